//! Reads what a step's fault is, its arguments and its modifiers: one key each.

use super::error::ScenarioError;
use super::table::{Found, Table};
use crate::fault::{About, Argument, Arguments, Fault, Form, Modifiers, all_arguments};
use crate::mistake::Mistake;

/// Keys of every argument and modifier.
pub(super) fn keys() -> Vec<String> {
    let arguments = all_arguments().into_iter().map(|(argument, _)| argument);
    arguments
        .chain(Modifiers::ARGUMENTS)
        .map(Argument::key)
        .collect()
}

/// Reads a step's fault.
pub(super) fn read(table: &Table<'_>) -> Result<(Fault, Modifiers), ScenarioError> {
    let kind = table.text("fault")?;
    let kind = table.required("fault", "\"delay\"", kind)?;
    let arguments = Step { table, kind: &kind };
    let fault = Fault::read(&kind.value, &arguments)?;
    let modifiers = Modifiers::read(&fault, &arguments)?;
    Ok((fault, modifiers))
}

/// The arguments of a step's fault.
struct Step<'a> {
    table: &'a Table<'a>,
    kind: &'a Found<String>,
}

impl Arguments for Step<'_> {
    type Error = ScenarioError;

    fn read<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<T>, ScenarioError> {
        let found = match argument.form {
            Form::Text => self.table.quantity(&argument.key(), parse),
            Form::Number => self.table.number(&argument.key(), argument.example, parse),
        };
        Ok(found?.map(|found| found.value))
    }

    fn has(&self, argument: &Argument) -> bool {
        self.table.key(&argument.key()).is_some()
    }

    fn shown(&self, argument: &Argument) -> String {
        argument.key()
    }

    fn written(&self, argument: &Argument) -> String {
        match argument.form {
            Form::Text => format!("add {} = \"{}\"", argument.key(), argument.example),
            Form::Number => format!("add {} = {}", argument.key(), argument.example),
        }
    }

    fn error(&self, about: About<'_>, mistake: Mistake) -> ScenarioError {
        match about {
            About::Name => self.table.error_at(self.kind, mistake),
            About::Fault => {
                let place = format!("fault \"{}\"", self.kind.value);
                self.table.error_at(self.kind, mistake.in_place(&place))
            }
            About::Argument(argument) => {
                let key = argument.key();
                let mistake = mistake.in_place(&key);
                match self.table.key(&key) {
                    Some(found) => self.table.error_at(&found, mistake),
                    None => self.table.error_at(self.kind, mistake),
                }
            }
        }
    }
}
