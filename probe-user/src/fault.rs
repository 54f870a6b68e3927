//! The faults there are. Each is one file: what it is called, what arguments it knows, how it is
//! read, told, and written into the kernel's rules. It says nothing of when and to what packets.

use std::fmt;

use probe_common::rule::FaultRule;

mod arguments;
mod blackhole;
mod corrupt;
mod delay;
mod dns;
mod duplicate;
mod errno;
mod http_status;
mod kill;
mod limit_connections;
mod loss;
mod modifiers;
mod partition;
mod pause;
mod rate;
mod refuse;
mod reorder;
mod reset;

pub use arguments::{About, Argument, Arguments, Form};
pub use errno::Errno;
pub use kill::Ending;
pub use modifiers::{Modifiers, Only};

use crate::mistake::Mistake;
use crate::plan::Direction;
use crate::scenario::nearest::suggest;

/// One kind of fault.
trait Kind: Copy + Sized {
    /// Its name, as typed.
    const NAME: &'static str;
    /// What happens, in a few words.
    const SUMMARY: &'static str;
    /// What it can be told; amounts in their order.
    const ARGUMENTS: &'static [Argument];
    /// The direction it holds in whatever is asked; `None` where that may be chosen.
    const DIRECTION: Option<Direction> = None;
    /// The direction it holds in where that may be chosen and isn't; towards the endpoint, so
    /// that a round trip grows once.
    const DEFAULT_DIRECTION: Direction = Direction::Egress;
    /// Whether there is less and more of it, so that it can grow over a ramp.
    const GROWS: bool = true;
    /// Whether it is about calls of connect(), rather than packets.
    const AT_CONNECT: bool = false;
    /// Whether it acts on the near side's processes, rather than on packets.
    const ON_PROCESSES: bool = false;

    /// Reads it.
    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error>;

    /// Its arguments, as typed on a command line.
    fn arguments(&self) -> String;

    /// The same, as people read it.
    fn words(&self) -> String {
        self.arguments()
    }

    /// Whether packets wait on its account.
    fn waits(&self) -> bool {
        false
    }

    /// Whether packets pass the delay line on its account.
    fn needs_line(&self) -> bool {
        self.waits()
    }

    /// Whether packets go back to who sent them on its account.
    fn turns_back(&self) -> bool {
        false
    }

    /// How long packets wait, in nanoseconds, where that is the same for all that do.
    fn constant_wait_ns(&self) -> Option<u64> {
        None
    }

    /// How many connections may be open at once, where it limits that.
    fn limit(&self) -> Option<u64> {
        None
    }

    /// Which signal processes get once, where that is what it does.
    fn signal(&self) -> Option<Ending> {
        None
    }

    /// Writes it into a rule.
    fn encode(&self, rule: &mut FaultRule);

    /// Reads it from a rule; `None` where that is another's.
    fn decode(rule: &FaultRule) -> Option<Self>;
}

/// What there is to know of a kind of fault.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name, as typed.
    pub name: &'static str,
    /// What happens, in a few words.
    pub summary: &'static str,
    /// What it can be told; amounts in their order.
    pub arguments: &'static [Argument],
    direction: Option<Direction>,
    default_direction: Direction,
    grows: bool,
    at_connect: bool,
    on_processes: bool,
}

macro_rules! faults {
    ($($module:ident::$kind:ident,)+) => {
        $(pub use $module::$kind;)+

        /// What happens to a packet, or a process.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Fault {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        /// Each kind of fault. Where two could be read from one rule, the first is meant.
        pub const KINDS: &[Description] = &[$(Description {
            name: $kind::NAME,
            summary: $kind::SUMMARY,
            arguments: $kind::ARGUMENTS,
            direction: $kind::DIRECTION,
            default_direction: $kind::DEFAULT_DIRECTION,
            grows: $kind::GROWS,
            at_connect: $kind::AT_CONNECT,
            on_processes: $kind::ON_PROCESSES,
        }),+];

        impl Fault {
            /// Reads the arguments of the fault of that name.
            ///
            /// # Errors
            /// Where there is no such fault, or its arguments are not what it needs.
            pub fn read<A: Arguments>(name: &str, arguments: &A) -> Result<Self, A::Error> {
                let Some(description) = described(name) else {
                    return Err(arguments.error(About::Name, unknown(name)));
                };
                refuse_what_belongs_to_others(description, arguments)?;
                $(if name == $kind::NAME {
                    return $kind::read(arguments).map(Self::$kind);
                })+
                Err(arguments.error(About::Name, unknown(name)))
            }

            /// Its name, as typed.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::NAME,)+ }
            }

            /// Its arguments, as typed: "200ms --jitter 50ms", "10%", "".
            pub fn arguments(&self) -> String {
                match self { $(Self::$kind(kind) => kind.arguments(),)+ }
            }

            fn words(&self) -> String {
                match self { $(Self::$kind(kind) => kind.words(),)+ }
            }

            /// Whether packets wait on its account.
            pub fn waits(&self) -> bool {
                match self { $(Self::$kind(kind) => kind.waits(),)+ }
            }

            /// Whether packets pass the delay line on its account: to wait, or to have their
            /// checksum finished before it is made wrong.
            pub fn needs_line(&self) -> bool {
                match self { $(Self::$kind(kind) => kind.needs_line(),)+ }
            }

            /// Whether packets go back to who sent them on its account.
            pub fn turns_back(&self) -> bool {
                match self { $(Self::$kind(kind) => kind.turns_back(),)+ }
            }

            /// How long packets wait, in nanoseconds, where that is the same for all that do.
            pub fn constant_wait_ns(&self) -> Option<u64> {
                match self { $(Self::$kind(kind) => kind.constant_wait_ns(),)+ }
            }

            /// How many connections may be open at once, where it limits that.
            pub fn limit(&self) -> Option<u64> {
                match self { $(Self::$kind(kind) => kind.limit(),)+ }
            }

            /// Which signal processes get once, where that is what it does.
            pub fn signal(&self) -> Option<Ending> {
                match self { $(Self::$kind(kind) => kind.signal(),)+ }
            }

            /// Writes it into a rule.
            pub fn encode(&self, rule: &mut FaultRule) {
                match self { $(Self::$kind(kind) => kind.encode(rule),)+ }
            }

            /// The fault of a rule; `None` where it is none that this version knows.
            pub fn decode(rule: &FaultRule) -> Option<Self> {
                None$(.or_else(|| $kind::decode(rule).map(Self::$kind)))+
            }
        }
    };
}

faults! {
    delay::Delay,
    loss::Loss,
    corrupt::Corrupt,
    duplicate::Duplicate,
    reorder::Reorder,
    rate::Rate,
    partition::Partition,
    blackhole::Blackhole,
    reset::Reset,
    http_status::HttpStatus,
    dns::Dns,
    refuse::Refuse,
    limit_connections::LimitConnections,
    pause::Pause,
    kill::Kill,
}

impl Fault {
    /// The direction it holds in, given what was asked.
    ///
    /// # Errors
    /// Where it can't hold in that one.
    pub fn direction(&self, asked: Option<Direction>) -> Result<Direction, Mistake> {
        let description = self.description();
        if description.on_processes && asked.is_some() {
            let mistake = Mistake::new(format!(
                "{}: it acts on processes, not on packets of a direction",
                self.kind()
            ));
            return Err(mistake.hint("leave the direction out"));
        }
        match (description.direction, asked) {
            (None, None) => Ok(description.default_direction),
            (None, Some(asked)) => Ok(asked),
            (Some(fixed), asked) if asked.is_none_or(|asked| asked == fixed) => Ok(fixed),
            (Some(fixed), Some(asked)) => Err(Mistake::new(format!(
                "{}: its direction is {}, not {}",
                self.kind(),
                fixed.name(),
                asked.name()
            ))
            .hint("leave the direction out")),
            (Some(fixed), None) => Ok(fixed),
        }
    }

    /// Whether there is less and more of it, so that it can grow over a ramp.
    fn grows(&self) -> bool {
        self.description().grows
    }

    /// Whether it is about calls of connect(), rather than packets.
    pub fn is_at_connect(&self) -> bool {
        self.description().at_connect
    }

    /// Whether it acts on the near side's processes, rather than on packets.
    pub fn is_on_processes(&self) -> bool {
        self.description().on_processes
    }

    /// What its direction is called, where it has one.
    pub fn direction_name(&self, direction: Direction) -> &'static str {
        match self.is_on_processes() {
            true => "none",
            false => direction.name(),
        }
    }

    fn description(&self) -> &'static Description {
        let name = self.kind();
        KINDS
            .iter()
            .find(|kind| kind.name == name)
            .unwrap_or(&KINDS[0])
    }
}

impl fmt::Display for Fault {
    /// As it is read: "delay 2s ±200ms", "loss 20%", "corrupt 5% payload", "blackhole".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.words().as_str() {
            "" => Ok(()),
            words => write!(f, " {words}"),
        }
    }
}

impl Description {
    /// Whether it acts on processes, rather than on packets.
    pub fn is_on_processes(&self) -> bool {
        self.on_processes
    }
}

/// The kind of fault of that name.
pub fn described(name: &str) -> Option<&'static Description> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What a rule of any probe says, as it is read: "delay 2s ±200ms, ramp 5s".
pub fn told(rule: &FaultRule) -> String {
    let fault = Fault::decode(rule).map_or("unknown fault".to_owned(), |fault| fault.to_string());
    format!("{fault}{}", Modifiers::decode(rule))
}

/// The name of a rule's kind of fault: "delay".
pub fn kind_of(rule: &FaultRule) -> &'static str {
    Fault::decode(rule).map_or("unknown", |fault| fault.kind())
}

/// Whether a rule of any probe acts on processes, rather than on packets.
pub fn is_on_processes(rule: &FaultRule) -> bool {
    Fault::decode(rule).is_some_and(|fault| fault.is_on_processes())
}

/// Every argument of every fault, each name once, and the faults that know it.
pub fn all_arguments() -> Vec<(&'static Argument, Vec<&'static str>)> {
    let mut all: Vec<(&Argument, Vec<&str>)> = Vec::new();
    for kind in KINDS {
        for argument in kind.arguments {
            match all
                .iter_mut()
                .find(|(known, _)| known.name == argument.name)
            {
                Some((_, owners)) => owners.push(kind.name),
                None => all.push((argument, vec![kind.name])),
            }
        }
    }
    all
}

fn refuse_what_belongs_to_others<A: Arguments>(
    description: &Description,
    arguments: &A,
) -> Result<(), A::Error> {
    for (argument, owners) in all_arguments() {
        if !owners.contains(&description.name) && arguments.has(argument) {
            let mistake = Mistake::new(format!("doesn't belong to {}", description.name))
                .hint(format!("it belongs to {}", owners.join(" and ")));
            return Err(arguments.error(About::Argument(argument), mistake));
        }
    }
    Ok(())
}

fn unknown(name: &str) -> Mistake {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    suggest(
        Mistake::new(format!("unknown fault \"{name}\"")),
        name,
        &names,
    )
}

#[cfg(test)]
mod tests;
