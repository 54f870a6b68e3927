//! Packets vanish as on a wire: each by its own luck, by luck that lasts, or in bursts.

use probe_common::rule::{FaultRule, fault};

use super::{About, Argument, Arguments, Kind, arguments};
use crate::mistake::Mistake;
use crate::plan::Share;
use crate::quantity::{parse_share, words::typed_share};

/// Packets vanish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Each with the same probability.
    Each {
        /// The share of packets.
        share: Share,
        /// How much of one packet's luck is that of the one before.
        correlation: Share,
    },
    /// In bursts, by the model of Gilbert and Elliott.
    InBursts(Bursts),
}

/// Two states and what becomes of packets in each, in netem's terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// p: from good to bad.
    pub to_bad: Share,
    /// r: from bad to good.
    pub to_good: Share,
    /// 1-h: lost while bad.
    pub lost_while_bad: Share,
    /// 1-k: lost while good.
    pub lost_while_good: Share,
}

const AMOUNT: Argument = Argument::amount("loss", "SHARE", "10%");
const CORRELATION: Argument = Argument::option(
    "correlation",
    "SHARE",
    "25%",
    "how much of a packet's luck is that of the one before",
);
const GILBERT_ELLIOTT: Argument = Argument::option(
    "gilbert-elliott",
    "p,r[,1-h[,1-k]]",
    "1%,10%",
    "in bursts: from good to bad, from bad to good, lost while bad [100%], lost while good [0%]",
);

impl Kind for Loss {
    const NAME: &'static str = "loss";
    const SUMMARY: &'static str = "packets vanish, as on a wire: their sender is not told";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT, CORRELATION, GILBERT_ELLIOTT];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        if let Some(bursts) = arguments.read(&GILBERT_ELLIOTT, Bursts::parse)? {
            for other in [AMOUNT, CORRELATION] {
                if arguments.has(&other) {
                    let what = arguments.shown(&other);
                    let mistake = Mistake::new(format!("{what} belongs to another model of loss"));
                    let about = About::Argument(&GILBERT_ELLIOTT);
                    return Err(arguments.error(about, mistake.hint("leave one of them out")));
                }
            }
            return Ok(Self::InBursts(bursts));
        }
        let correlation = arguments.read(&CORRELATION, arguments::correlation)?;
        Ok(Self::Each {
            share: arguments.needed(&AMOUNT, arguments::packets)?,
            correlation: correlation.unwrap_or(Share::NONE),
        })
    }

    fn arguments(&self) -> String {
        match self {
            Self::Each { share, correlation } => {
                let share = typed_share(share.value());
                match *correlation {
                    Share::NONE => share,
                    some => format!("{share} --correlation {}", typed_share(some.value())),
                }
            }
            Self::InBursts(bursts) => format!("--gilbert-elliott {}", bursts.typed()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Each { .. } => self.arguments().replace(" --", ", "),
            Self::InBursts(bursts) => format!("in bursts {}", bursts.typed()),
        }
    }

    fn encode(&self, rule: &mut FaultRule) {
        match self {
            Self::Each { share, correlation } => {
                rule.kind = fault::LOSS;
                rule.probability = share.parts();
                rule.correlation = correlation.parts();
            }
            Self::InBursts(bursts) => {
                rule.kind = fault::LOSS_IN_BURSTS;
                rule.bursts = bursts.shares().map(Share::parts);
            }
        }
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        match rule.kind {
            fault::LOSS => Some(Self::Each {
                share: Share::from_parts(rule.probability),
                correlation: Share::from_parts(rule.correlation),
            }),
            fault::LOSS_IN_BURSTS => Some(Self::InBursts(Bursts::of(
                rule.bursts.map(Share::from_parts),
            ))),
            _ => None,
        }
    }
}

impl Bursts {
    /// Reads `p[,r[,1-h[,1-k]]]`; what is left out is as netem has it: r is 1-p, all are lost
    /// while bad, none while good.
    fn parse(text: &str) -> Result<Self, Mistake> {
        let shares = text.split(',').map(parse_share);
        let shares: Vec<Share> = shares.collect::<Result<_, _>>()?;
        let (first, rest) = match shares.as_slice() {
            [first, rest @ ..] if rest.len() < 4 => (*first, rest),
            _ => {
                return Err(
                    Mistake::new(format!("\"{text}\" has more than four shares"))
                        .hint("write p,r,1-h,1-k, as 1%,10%,100%,0%"),
                );
            }
        };
        let given = |n: usize| rest.get(n).copied();
        let left = Share::new(1.0 - first.value()).unwrap_or(Share::NONE);
        let bursts = Self {
            to_bad: first,
            to_good: given(0).unwrap_or(left),
            lost_while_bad: given(1).unwrap_or(Share::ALL),
            lost_while_good: given(2).unwrap_or(Share::NONE),
        };
        let is_ever_bad = bursts.to_bad.parts() > 0 && bursts.lost_while_bad.parts() > 0;
        if is_ever_bad || bursts.lost_while_good.parts() > 0 {
            return Ok(bursts);
        }
        Err(Mistake::new(format!("{text} would touch no packet")).hint("write 1%,10%"))
    }

    fn of([to_bad, to_good, lost_while_bad, lost_while_good]: [Share; 4]) -> Self {
        Self {
            to_bad,
            to_good,
            lost_while_bad,
            lost_while_good,
        }
    }

    fn shares(&self) -> [Share; 4] {
        [
            self.to_bad,
            self.to_good,
            self.lost_while_bad,
            self.lost_while_good,
        ]
    }

    /// As typed, less what goes without saying.
    fn typed(&self) -> String {
        let shown = match (self.lost_while_bad, self.lost_while_good) {
            (Share::ALL, Share::NONE) => 2,
            (_, Share::NONE) => 3,
            _ => 4,
        };
        let shares = self.shares().map(|share| typed_share(share.value()));
        shares[..shown].join(",")
    }
}
