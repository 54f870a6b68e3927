//! DNS questions over UDP are answered with a failure, or not at all.

mod name;

use probe_common::rule::{FaultRule, dns, fault};

use self::name::Name;
use super::{Argument, Arguments, Kind, arguments};

/// DNS questions over UDP are answered with a failure, or not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dns {
    /// How.
    pub answer: DnsAnswer,
    /// Questions for which names; `None` for all of them.
    pub name: Option<Name>,
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// There is no such name.
    NxDomain,
    /// The server failed.
    ServFail,
    /// The server refuses.
    Refused,
    /// None comes.
    Timeout,
}

const ANSWER: Argument = Argument::amount("dns", "ANSWER", "nxdomain");
const NAME: Argument = Argument::option(
    "name",
    "GLOB",
    "*.internal",
    "only questions for such names; one * stands for anything [default: all]",
);
const ANSWERS: [(&str, DnsAnswer); 4] = [
    ("nxdomain", DnsAnswer::NxDomain),
    ("servfail", DnsAnswer::ServFail),
    ("refused", DnsAnswer::Refused),
    ("timeout", DnsAnswer::Timeout),
];

impl Kind for Dns {
    const NAME: &'static str = "dns";
    const SUMMARY: &'static str =
        "DNS questions over UDP fail: nxdomain, servfail, refused, timeout";
    const ARGUMENTS: &'static [Argument] = &[ANSWER, NAME];
    const GROWS: bool = false;

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        Ok(Self {
            answer: arguments.needed(&ANSWER, |text| arguments::choice(&ANSWERS, text))?,
            name: arguments.read(&NAME, Name::parse)?,
        })
    }

    fn arguments(&self) -> String {
        let answer = arguments::word(&ANSWERS, &self.answer);
        match &self.name {
            None => answer.to_owned(),
            Some(name) => format!("{answer} --name {name}"),
        }
    }

    fn words(&self) -> String {
        self.arguments().replace("--name", "for")
    }

    fn turns_back(&self) -> bool {
        self.answer != DnsAnswer::Timeout
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::DNS;
        rule.status = self.answer.number();
        rule.name = self.name.map(|name| name.pattern()).unwrap_or_default();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        if rule.kind != fault::DNS {
            return None;
        }
        let mut answers = ANSWERS.iter().map(|(_, it)| *it);
        Some(Self {
            answer: answers.find(|it| it.number() == rule.status)?,
            name: Name::of(rule.name),
        })
    }
}

impl DnsAnswer {
    /// Response codes are those of RFC 1035, section 4.1.1.
    fn number(self) -> u32 {
        match self {
            Self::ServFail => 2,
            Self::NxDomain => 3,
            Self::Refused => 5,
            Self::Timeout => dns::TIMEOUT,
        }
    }
}
