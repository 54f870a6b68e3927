//! Counters that the kernel programs keep: each a `u64` a CPU, summed by user space.

/// Declares a struct of `u64` counters with a sum and a decoding by position.
macro_rules! counters {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: u64,)+ }

        impl $name {
            /// Adds another CPU's counters.
            pub fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_add(other.$field);)+
            }

            /// What was counted since an earlier reading.
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($field: self.$field.wrapping_sub(earlier.$field),)+ }
            }
        }

        #[cfg(feature = "user")]
        // SAFETY: `#[repr(C)]` and `u64` fields only: no padding, any bit pattern valid.
        unsafe impl aya::Pod for $name {}
    };
}

counters! {
    /// What became of the packets that one rule looked at.
    ///
    /// On each CPU, at rest: `seen = passed + faulted + protected + errors`, where `faulted` is
    /// the sum of what the faults did ([`RuleCounters::faulted`]).
    RuleCounters {
        /// Packets to or from the rule's endpoints, in its direction.
        seen,
        /// Those of them that the rule held for: within its time, not protected.
        matched,
        /// Left as they were.
        passed,
        /// Made to vanish.
        dropped,
        /// Sent through the delay line.
        delayed,
        /// Changed by one bit.
        corrupted,
        /// Followed by a copy of themselves.
        duplicated,
        /// Made to be overtaken.
        reordered,
        /// Made a reset for both ends.
        reset,
        /// Rewritten, or answered here.
        rewritten,
        /// On the list that no fault touches.
        protected,
        /// Could not be faulted, so left as they were.
        errors,
        /// Calls of connect() made to fail.
        refused,
        /// Processes stopped; counted by user space.
        paused,
        /// Processes that a signal ended; counted by user space.
        killed,
    }
}

impl RuleCounters {
    /// Packets that a fault touched.
    pub fn faulted(&self) -> u64 {
        self.dropped
            + self.delayed
            + self.corrupted
            + self.duplicated
            + self.reordered
            + self.reset
            + self.rewritten
            + self.refused
    }
}

counters! {
    /// What the injector saw as a whole.
    InjectorCounters {
        /// Packets that passed because they were not IP or could not be read.
        unparsed,
        /// Packets that met a rule while the kill switch was on.
        killed,
        /// Packets that met a rule after the lease had lapsed.
        lapsed,
        /// Packets that came back from the delay line.
        returned,
        /// Packets that the line could not send on: no way back of that tag.
        lost_way,
        /// DNS answers that could not be overheard: no room.
        unheard,
        /// Packets that left the fq lane.
        left_lane,
        /// Packets dropped because no slot of the delay line was free.
        no_slot,
    }
}

counters! {
    /// What the observer told, and could not tell.
    ObserverCounters {
        /// Events that there were, whether there was room for them or not.
        produced,
        /// Events that found no room.
        lost,
        /// Packets that could not be read.
        unparsed,
        /// Times that a peer was to have a slot of its own and there was none.
        peers_full,
        /// Connections, in one direction, whose records or frames were lost track of.
        places_lost,
        /// Connections that were taken up.
        flows_created,
        /// Connections that were let go because they were over.
        flows_closed,
    }
}

counters! {
    /// What happened with one peer: a dependency's address as one process calls it, or a port
    /// that is served.
    PeerCounters {
        /// Connections attempted (client) or accepted (server).
        connects,
        /// Attempts that ended without a connection.
        connect_failures,
        /// Requests begun.
        requests,
        /// Requests whose answer began.
        answers,
        /// Requests whose caller closed first.
        abandoned,
        /// Requests cut off by the other side: reset or closed.
        cut_off,
        /// Payload bytes sent.
        bytes_out,
        /// Payload bytes received.
        bytes_in,
        /// Segments sent again.
        retransmits,
    }
}

const _: () = assert!(size_of::<RuleCounters>() == 120);
const _: () = assert!(size_of::<PeerCounters>() == 72);
