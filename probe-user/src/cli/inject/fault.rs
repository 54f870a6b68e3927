//! FAULT and its arguments, as typed.

use std::time::Duration;

use clap::ValueEnum;

use crate::{
    mistake::Mistake,
    plan::{CorruptMode, Fault, Share},
    quantity::{parse_duration, parse_share},
    scenario::nearest::suggest,
};

/// Faults there are.
const FAULTS: [&str; 4] = ["delay", "loss", "corrupt", "blackhole"];

/// Faults there will be.
const LATER: [&str; 11] = [
    "duplicate",
    "reorder",
    "rate",
    "partition",
    "reset",
    "refuse",
    "limit-connections",
    "http-status",
    "dns",
    "pause",
    "kill",
];

/// A fault and its arguments.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct FaultArgs {
    /// What happens to packets: delay, loss, corrupt or blackhole
    #[arg(value_name = "FAULT")]
    kind: String,
    /// How much: a duration for delay, a percentage for loss and corrupt
    #[arg(value_name = "ARG")]
    amounts: Vec<String>,
    /// delay: up to how much more or less, evenly distributed
    #[arg(long, value_name = "DURATION")]
    jitter: Option<String>,
    /// corrupt: whether the receiver's stack is to notice it [default: wire]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
}

/// Who notices a corrupted packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The receiver's stack, by the checksum
    Wire,
    /// The application
    Payload,
}

impl FaultArgs {
    /// The fault that was typed.
    pub(super) fn read(&self) -> Result<Fault, Mistake> {
        let kind = self.kind.as_str();
        if LATER.contains(&kind) {
            return Err(
                Mistake::new(format!("fault \"{kind}\" is not supported yet"))
                    .hint(format!("those that are: {}", FAULTS.join(", "))),
            );
        }
        if !FAULTS.contains(&kind) {
            let mistake = Mistake::new(format!("unknown fault \"{kind}\""));
            return Err(suggest(mistake, kind, &FAULTS));
        }
        self.refuse_what_belongs_to_others()?;
        match kind {
            "delay" => self.read_delay(),
            "loss" => Ok(Fault::Loss(self.read_share("10%")?)),
            "corrupt" => Ok(Fault::Corrupt(
                self.read_share("5%")?,
                match self.mode {
                    Some(Mode::Payload) => CorruptMode::Payload,
                    Some(Mode::Wire) | None => CorruptMode::Wire,
                },
            )),
            _ => match self.amounts.first() {
                Some(amount) => Err(Mistake::new(format!(
                    "blackhole: it has no argument, and \"{amount}\" is one"
                ))
                .hint("for a share of packets write loss 50%")),
                None => Ok(Fault::Blackhole),
            },
        }
    }

    fn refuse_what_belongs_to_others(&self) -> Result<(), Mistake> {
        for (option, owner, is_given) in [
            ("--jitter", "delay", self.jitter.is_some()),
            ("--mode", "corrupt", self.mode.is_some()),
        ] {
            if is_given && owner != self.kind {
                return Err(Mistake::new(format!(
                    "{}: {option} doesn't belong to this fault",
                    self.kind
                ))
                .hint(format!("it belongs to {owner}")));
            }
        }
        Ok(())
    }

    fn read_delay(&self) -> Result<Fault, Mistake> {
        let delay = self.in_place("delay", parse_duration(self.amount("200ms")?))?;
        let jitter = match &self.jitter {
            Some(jitter) => self.in_place("delay: --jitter", parse_duration(jitter))?,
            None => Duration::ZERO,
        };
        if delay.is_zero() {
            return Err(
                Mistake::new("delay: no packet would wait").hint("write delay 200ms, or more")
            );
        }
        if jitter > delay {
            return Err(
                Mistake::new("delay: the jitter is more than the delay itself")
                    .hint("no packet can arrive before it was sent"),
            );
        }
        Ok(Fault::Delay {
            delay_ns: delay.as_nanos() as u64,
            jitter_ns: jitter.as_nanos() as u64,
        })
    }

    fn read_share(&self, example: &str) -> Result<Share, Mistake> {
        let kind = &self.kind;
        let share = self.in_place(kind, parse_share(self.amount(example)?))?;
        if share.value() > 0.0 {
            return Ok(share);
        }
        Err(Mistake::new(format!("{kind}: 0% would touch no packet"))
            .hint(format!("write {kind} {example}")))
    }

    /// The one amount there has to be.
    fn amount(&self, example: &str) -> Result<&str, Mistake> {
        let kind = &self.kind;
        match self.amounts.as_slice() {
            [amount] => Ok(amount),
            [] => Err(Mistake::new(format!("{kind}: how much is missing"))
                .hint(format!("write {kind} {example}"))),
            [_, more, ..] => Err(Mistake::new(format!(
                "{kind}: it has one argument, and \"{more}\" is another"
            ))
            .hint("options begin with --")),
        }
    }

    /// Says of a mistake what it is in.
    fn in_place<T>(&self, place: &str, result: Result<T, Mistake>) -> Result<T, Mistake> {
        result.map_err(|mistake| Mistake {
            message: format!("{place}: {}", mistake.message),
            ..mistake
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, amounts: &[&str], jitter: Option<&str>) -> Result<Fault, String> {
        FaultArgs {
            kind: kind.into(),
            amounts: amounts.iter().map(ToString::to_string).collect(),
            jitter: jitter.map(str::to_owned),
            mode: None,
        }
        .read()
        .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn faults_read_as_typed() {
        let text = |result: Result<Fault, String>| result.unwrap().to_string();
        assert_eq!(text(read("delay", &["200ms"], None)), "delay 200ms");
        assert_eq!(
            text(read("delay", &["200ms"], Some("50ms"))),
            "delay 200ms ±50ms"
        );
        assert_eq!(text(read("loss", &["10%"], None)), "loss 10%");
        assert_eq!(text(read("corrupt", &["5%"], None)), "corrupt 5%");
        assert_eq!(text(read("blackhole", &[], None)), "blackhole");
    }

    #[test]
    fn mistakes_name_the_fault_and_say_what_to_write() {
        for (kind, amounts, jitter, told) in [
            (
                "delay",
                &["100"][..],
                None,
                "delay: 100 has no unit\nhint: write 100ms or 100s",
            ),
            (
                "delay",
                &["10ms"],
                Some("1"),
                "delay: --jitter: 1 has no unit\nhint: write 1ms or 1s",
            ),
            (
                "loss",
                &["10"],
                None,
                "loss: 10 has no unit\nhint: write 10%",
            ),
            (
                "loss",
                &[],
                None,
                "loss: how much is missing\nhint: write loss 10%",
            ),
            (
                "dealy",
                &["1s"],
                None,
                "unknown fault \"dealy\"\nhint: did you mean \"delay\"?",
            ),
            (
                "rate",
                &["1mbit"],
                None,
                "fault \"rate\" is not supported yet\nhint: those that are: delay, loss, corrupt, \
                 blackhole",
            ),
            (
                "loss",
                &["1%"],
                Some("1ms"),
                "loss: --jitter doesn't belong to this fault\nhint: it belongs to delay",
            ),
            (
                "blackhole",
                &["1s"],
                None,
                "blackhole: it has no argument, and \"1s\" is one\nhint: for a share of packets \
                 write loss 50%",
            ),
        ] {
            assert_eq!(read(kind, amounts, jitter).unwrap_err(), told);
        }
    }
}
