//! `probe inject …` as an experiment's process provider runs it: the words of one step.

use std::collections::BTreeMap;

use crate::endpoint::EndpointSpec;
use crate::fault::{
    About, Argument, Arguments, Fault, Form, KINDS, Modifiers, all_arguments, described,
};
use crate::mistake::Mistake;
use crate::quantity::parse_duration;
use crate::scenario::{nearest::suggest, written::quoted};

/// A fault on a dependency, as a step's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Injection {
    /// Kind of fault: "delay".
    pub(super) kind: String,
    /// What it is told, by keys of a step.
    keys: BTreeMap<String, Told>,
    /// Endpoints of the far side.
    pub(super) to: Vec<String>,
    pub(super) netns: Option<String>,
    pub(super) process: Option<String>,
    pub(super) cgroup: Option<String>,
    /// How long it lasts, as typed.
    pub(super) lasts: String,
}

/// A value as it was typed, and how a step writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    typed: String,
    form: Form,
}

/// Options of `probe inject` that a step has as well, by the same name.
const ALIKE: [&str; 3] = ["proto", "direction", "seed"];
/// How long a fault lasts where nobody says.
const DEFAULT_TIME: &str = "60s";

impl Injection {
    /// Reads the words after `probe`.
    pub(super) fn read(words: &[String]) -> Result<Self, String> {
        let words = without_manner(words);
        let mut words = words.into_iter();
        match words.next() {
            Some("inject") => {}
            Some(other) => return Err(format!("`probe {other}` is no fault")),
            None => return Err("`probe` alone is no fault".to_owned()),
        }
        let mut found = Self {
            lasts: DEFAULT_TIME.to_owned(),
            ..Self::default()
        };
        let mut amounts = Vec::new();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--") else {
                amounts.push(word);
                continue;
            };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            };
            let mut value = || {
                let value = value.or_else(|| words.next());
                value.ok_or_else(|| format!("--{name} has no value"))
            };
            found.take(name, &mut value)?;
        }
        found.take_amounts(&amounts)?;
        let lasts = parse_duration(&found.lasts);
        lasts.map_err(|mistake| in_one_line(mistake.in_place("--for")))?;
        let fault = Fault::read(&found.kind, &found).map_err(in_one_line)?;
        Modifiers::read(&fault, &found).map_err(in_one_line)?;
        Ok(found)
    }

    fn take<'a>(
        &mut self,
        name: &str,
        value: &mut impl FnMut() -> Result<&'a str, String>,
    ) -> Result<(), String> {
        match name {
            "to" => {
                let to = value()?;
                let endpoint = to.parse::<EndpointSpec>();
                endpoint.map_err(|mistake| in_one_line(mistake.in_place("--to")))?;
                self.to.push(to.to_owned());
            }
            "for" => value()?.clone_into(&mut self.lasts),
            "netns" => self.netns = Some(value()?.to_owned()),
            "process" => self.process = Some(value()?.to_owned()),
            "cgroup" => {
                let path = value()?;
                if !path.starts_with('/') {
                    return Err(format!("--cgroup: \"{path}\" is no path from the root"));
                }
                self.cgroup = Some(path.to_owned());
            }
            // Where it is written down is up to who runs the scenario.
            "audit" => drop(value()?),
            alike if ALIKE.contains(&alike) => {
                let value = value()?;
                let is_number = value.parse::<u64>().is_ok();
                let form = match alike {
                    "seed" if !is_number => return Err(format!("--seed: {value:?} is no number")),
                    "seed" => Form::Number,
                    _ => Form::Text,
                };
                self.tell(alike.to_owned(), value, form);
            }
            other => {
                let argument = argument(other).ok_or_else(|| {
                    format!("--{other} has no place in a scenario: leave it out, or keep the experiment for it")
                })?;
                self.tell(argument.key(), value()?, argument.form);
            }
        }
        Ok(())
    }

    /// The fault and what stands by itself after it.
    fn take_amounts(&mut self, amounts: &[&str]) -> Result<(), String> {
        let (&kind, amounts) = amounts.split_first().ok_or("no fault is named")?;
        let known = described(kind).ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|it| it.name).collect();
            let mistake = Mistake::new(format!("\"{kind}\" is no fault"));
            in_one_line(suggest(mistake, kind, &names))
        })?;
        kind.clone_into(&mut self.kind);
        let places: Vec<_> = known.arguments.iter().filter(|it| it.is_amount).collect();
        if amounts.len() > places.len() {
            return Err(format!(
                "{kind}: \"{}\" is one word too many",
                amounts[places.len()]
            ));
        }
        for (argument, value) in places.iter().zip(amounts) {
            self.tell(argument.key(), value, argument.form);
        }
        Ok(())
    }

    fn tell(&mut self, key: String, typed: &str, form: Form) {
        let typed = typed.to_owned();
        self.keys.insert(key, Told { typed, form });
    }

    /// Its arguments as lines of a step.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.keys.iter().map(|(key, told)| match told.form {
            Form::Text => format!("{key} = {}", quoted(&told.typed)),
            Form::Number => format!("{key} = {}", told.typed),
        })
    }
}

impl Arguments for Injection {
    type Error = Mistake;

    fn read<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        let told = self.keys.get(&argument.key());
        let parsed = told.map(|told| parse(&told.typed)).transpose();
        parsed.map_err(|mistake| self.error(About::Argument(argument), mistake))
    }

    fn has(&self, argument: &Argument) -> bool {
        self.keys.contains_key(&argument.key())
    }

    fn shown(&self, argument: &Argument) -> String {
        match argument.is_amount {
            true => argument.value.to_owned(),
            false => format!("--{}", argument.name),
        }
    }

    fn written(&self, argument: &Argument) -> String {
        match argument.is_amount {
            true => format!("add {}", argument.example),
            false => format!("add --{} {}", argument.name, argument.example),
        }
    }

    fn error(&self, about: About<'_>, mistake: Mistake) -> Mistake {
        match about {
            About::Name => mistake,
            About::Fault => mistake.in_place(&self.kind),
            About::Argument(argument) => mistake.in_place(&self.shown(argument)),
        }
    }
}

/// A mistake and what to do, as the reason for which something is left out.
fn in_one_line(mistake: Mistake) -> String {
    match mistake.hint {
        Some(hint) => format!("{}; {hint}", mistake.message),
        None => mistake.message,
    }
}

/// The words without those that say how it is told: they change nothing of what happens.
fn without_manner(words: &[String]) -> Vec<&str> {
    let mut left = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-o" | "--output" | "--color" => drop(words.next()),
            "-v" | "-vv" | "-vvv" | "--verbose" => {}
            _ if word.starts_with("--output=") || word.starts_with("--color=") => {}
            _ => left.push(word),
        }
    }
    left
}

/// An argument of any fault, or one of those that all have.
fn argument(name: &str) -> Option<&'static Argument> {
    let own = all_arguments().into_iter().map(|it| it.0);
    own.chain(Modifiers::ARGUMENTS)
        .find(|it| it.name == name && !it.is_amount)
}
