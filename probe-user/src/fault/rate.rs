//! Packets wait until a token bucket lets them go.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind};
use crate::mistake::Mistake;
use crate::quantity::words::{typed_rate, typed_size};
use crate::quantity::{parse_rate, parse_size};

/// Packets wait until a token bucket lets them go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Bits a second, link headers included.
    pub bits: u64,
    /// How much may go at once after a pause, in bytes.
    pub burst: u64,
}

const AMOUNT: Argument = Argument::amount("rate", "RATE", "1mbit");
const BURST: Argument = Argument::option(
    "burst",
    "SIZE",
    "64kb",
    "how much goes at once after a pause [default: 5 ms of the rate, at least 16kb]",
);

/// Rates that the kernel's reckoning is exact enough for.
const SLOWEST: u64 = 1_000;
const FASTEST: u64 = 100_000_000_000;
/// The largest burst: the bucket runs ahead by some hours at most.
const LARGEST_BURST: u64 = 1 << 30;
/// Nanoseconds times eight bits: what a byte costs at one bit a second.
const BYTE_AT_ONE_BIT_NS: u128 = 8_000_000_000;

impl Kind for Rate {
    const NAME: &'static str = "rate";
    const SUMMARY: &'static str = "packets wait until a token bucket lets them go";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT, BURST];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let bits = arguments.needed(&AMOUNT, possible_rate)?;
        let burst = arguments.read(&BURST, possible_burst)?;
        Ok(Self {
            bits,
            burst: burst.unwrap_or_else(|| default_burst(bits)),
        })
    }

    fn arguments(&self) -> String {
        let rate = typed_rate(self.bits);
        match self.burst {
            burst if burst == default_burst(self.bits) => rate,
            burst => format!("{rate} --burst {}", typed_size(burst)),
        }
    }

    fn words(&self) -> String {
        self.arguments().replace(" --", ", ")
    }

    fn waits(&self) -> bool {
        true
    }

    fn encode(&self, rule: &mut FaultRule) {
        let cost = (BYTE_AT_ONE_BIT_NS << 16) / u128::from(self.bits.max(1));
        let burst = u128::from(self.burst) * BYTE_AT_ONE_BIT_NS / u128::from(self.bits.max(1));
        rule.kind = fault::RATE;
        rule.byte_cost = u64::try_from(cost).unwrap_or(u64::MAX);
        rule.burst_ns = u64::try_from(burst).unwrap_or(u64::MAX);
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        if rule.kind != fault::RATE || rule.byte_cost == 0 {
            return None;
        }
        // Four digits are what is left of the fastest rate.
        let exact = (BYTE_AT_ONE_BIT_NS << 16) as f64 / rule.byte_cost as f64;
        let unit = 10f64.powf(exact.log10().floor() - 3.0);
        let bits = ((exact / unit).round() * unit).round() as u64;
        let burst = rule.burst_ns as f64 * bits as f64 / BYTE_AT_ONE_BIT_NS as f64;
        Some(Self {
            bits,
            burst: burst.round() as u64,
        })
    }
}

/// Large enough that a pause of some milliseconds costs nothing, small enough not to be seen in
/// what goes through in ten seconds.
fn default_burst(bits: u64) -> u64 {
    (bits / 8 / 200).max(16 << 10)
}

fn possible_rate(text: &str) -> Result<u64, Mistake> {
    match parse_rate(text)? {
        ..SLOWEST => Err(Mistake::new(format!("{text} is too slow"))
            .hint("write 1kbit or more, or blackhole for nothing at all")),
        bits @ ..=FASTEST => Ok(bits),
        _ => Err(Mistake::new(format!("{text} is too fast")).hint("write 100gbit or less")),
    }
}

fn possible_burst(text: &str) -> Result<u64, Mistake> {
    match parse_size(text)? {
        0 => Err(Mistake::new("nothing would ever go at once").hint("write 16kb")),
        burst @ ..=LARGEST_BURST => Ok(burst),
        _ => Err(Mistake::new(format!("{text} is too large")).hint("write 1gb or less")),
    }
}
