//! FAULT, its arguments and its modifiers, as typed. What there is of them, the faults say.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Arg, ArgMatches, Command, error::Error, parser::ValueSource};

use crate::{
    fault::{About, Argument, Arguments, Fault, KINDS, Modifiers, all_arguments, described},
    mistake::Mistake,
};

/// A fault, its arguments and its modifiers.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultArgs {
    kind: String,
    amounts: Vec<String>,
    options: BTreeMap<&'static str, String>,
}

/// Ids of the words that stand by themselves.
const KIND: &str = "fault";
const AMOUNTS: &str = "amounts";

impl FaultArgs {
    /// The fault that was typed.
    pub(super) fn read(&self) -> Result<(Fault, Modifiers), Mistake> {
        if let Some(kind) = described(&self.kind) {
            let known = kind.arguments.iter().filter(|it| it.is_amount).count();
            if let Some(more) = self.amounts.get(known) {
                let has = ["no argument", "one argument", "two arguments"];
                let has = has.get(known).unwrap_or(&"fewer arguments");
                return Err(
                    Mistake::new(format!("it has {has}, and \"{more}\" is one more"))
                        .hint("options begin with --")
                        .in_place(&self.kind),
                );
            }
        }
        let fault = Fault::read(&self.kind, self)?;
        let modifiers = Modifiers::read(&fault, self)?;
        Ok((fault, modifiers))
    }

    /// What was typed for an argument.
    fn typed(&self, argument: &Argument) -> Option<&String> {
        if !argument.is_amount {
            return self.options.get(argument.name);
        }
        let amounts = described(&self.kind)?
            .arguments
            .iter()
            .filter(|it| it.is_amount);
        let place = amounts
            .map(|it| it.name)
            .position(|name| name == argument.name)?;
        self.amounts.get(place)
    }
}

impl Arguments for FaultArgs {
    type Error = Mistake;

    fn read<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        let parsed = self.typed(argument).map(|text| parse(text)).transpose();
        parsed.map_err(|mistake| self.error(About::Argument(argument), mistake))
    }

    fn has(&self, argument: &Argument) -> bool {
        self.typed(argument).is_some()
    }

    fn shown(&self, argument: &Argument) -> String {
        match argument.is_amount {
            true => argument.value.to_owned(),
            false => format!("--{}", argument.name),
        }
    }

    fn written(&self, argument: &Argument) -> String {
        match argument.is_amount {
            true => format!("write {} {}", self.kind, argument.example),
            false => format!("add --{} {}", argument.name, argument.example),
        }
    }

    fn error(&self, about: About<'_>, mistake: Mistake) -> Mistake {
        let mistake = match about {
            About::Name => return mistake,
            About::Argument(argument) if !argument.is_amount => {
                mistake.in_place(&self.shown(argument))
            }
            About::Fault | About::Argument(_) => mistake,
        };
        mistake.in_place(&self.kind)
    }
}

// By hand, because the faults say which options there are.
impl clap::Args for FaultArgs {
    fn augment_args(command: Command) -> Command {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let kind = Arg::new(KIND)
            .value_name("FAULT")
            .required(true)
            .help(format!("What happens to packets: {}", names.join(", ")));
        let amounts = Arg::new(AMOUNTS)
            .value_name("ARG")
            .num_args(0..)
            .help("How much: see the list of faults below");
        let faults = all_arguments()
            .into_iter()
            .filter(|(argument, _)| !argument.is_amount);
        let faults = faults.map(|(argument, owners)| {
            let help = format!("{}: {}", owners.join(", "), argument.help);
            option(argument, help).help_heading("Fault")
        });
        let modifiers = Modifiers::ARGUMENTS
            .iter()
            .map(|argument| option(argument, argument.help.to_owned()));
        command.args([kind, amounts]).args(faults).args(modifiers)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for FaultArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let typed = |id: &str| {
            let is_typed = matches.value_source(id) == Some(ValueSource::CommandLine);
            is_typed
                .then(|| matches.get_one::<String>(id).cloned())
                .flatten()
        };
        self.kind = typed(KIND).unwrap_or_default();
        self.amounts = matches
            .get_many::<String>(AMOUNTS)
            .unwrap_or_default()
            .cloned()
            .collect();
        let options = all_arguments().into_iter().map(|(argument, _)| argument);
        for argument in options
            .chain(Modifiers::ARGUMENTS)
            .filter(|it| !it.is_amount)
        {
            if let Some(value) = typed(argument.name) {
                self.options.insert(argument.name, value);
            }
        }
        Ok(())
    }
}

fn option(argument: &Argument, help: String) -> Arg {
    Arg::new(argument.name)
        .long(argument.name)
        .value_name(argument.value)
        .help(help)
}

/// The list of faults, for the end of the help.
pub(super) fn list() -> String {
    let mut text = String::new();
    for kind in KINDS {
        let mut usage = kind.name.to_owned();
        for argument in kind.arguments.iter().filter(|it| it.is_amount) {
            usage += &format!(" {}", argument.example);
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {usage:<20}{}", kind.summary);
        let options = kind.arguments.iter().filter(|it| !it.is_amount);
        let options: Vec<_> = options
            .map(|it| format!("[--{} {}]", it.name, it.example))
            .collect();
        if !options.is_empty() {
            let _ = writeln!(text, "  {:20}{}", "", options.join(" "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn read(line: &str) -> Result<String, String> {
        let command = FaultArgs::augment_args(Command::new("inject").no_binary_name(true));
        let matches = command.try_get_matches_from(line.split(' ')).unwrap();
        let read = FaultArgs::from_arg_matches(&matches).unwrap().read();
        match read {
            Ok((fault, modifiers)) => Ok(format!("{fault}{modifiers}")),
            Err(mistake) => Err(mistake.to_string()),
        }
    }

    #[test]
    fn faults_read_as_typed() {
        for (line, words) in [
            ("delay 200ms", "delay 200ms"),
            ("delay --jitter 50ms 200ms", "delay 200ms ±50ms"),
            ("loss 10% --ramp 5s", "loss 10%, ramp 5s"),
            ("loss --gilbert-elliott 1%,10%", "loss in bursts 1%,10%"),
            (
                "blackhole --percent-of-flows 30% --max-packets 5 --pulse 1s/2s",
                "blackhole, pulse 1s/2s, percent of flows 30%, max packets 5",
            ),
        ] {
            assert_eq!(read(line), Ok(words.to_owned()), "{line}");
        }
    }

    #[test]
    fn mistakes_name_the_fault_and_say_what_to_write() {
        for (line, told) in [
            (
                "delay 100",
                "delay: 100 has no unit\nhint: write 100ms or 100s",
            ),
            (
                "delay 10ms --jitter 1",
                "delay: --jitter: 1 has no unit\nhint: write 1ms or 1s",
            ),
            ("loss 10", "loss: 10 has no unit\nhint: write 10%"),
            ("loss", "loss: SHARE is missing\nhint: write loss 10%"),
            (
                "dealy 1s",
                "unknown fault \"dealy\"\nhint: did you mean \"delay\"?",
            ),
            (
                "loss 1% --jitter 1ms",
                "loss: --jitter: doesn't belong to loss\nhint: it belongs to delay",
            ),
            (
                "blackhole 1s",
                "blackhole: it has no argument, and \"1s\" is one more\n\
                 hint: options begin with --",
            ),
            (
                "delay 1s --correlation 5%",
                "delay: --correlation: means nothing without --jitter\nhint: add --jitter 50ms",
            ),
            (
                "blackhole --ramp 5s",
                "blackhole: --ramp: there is no less and more of this fault\n\
                 hint: loss 100% can grow over a ramp",
            ),
        ] {
            assert_eq!(read(line), Err(told.to_owned()), "{line}");
        }
    }

    #[test]
    fn every_fault_is_listed() {
        let list = list();
        assert!(
            KINDS.iter().all(|kind| list.contains(kind.summary)),
            "{list}"
        );
    }
}
