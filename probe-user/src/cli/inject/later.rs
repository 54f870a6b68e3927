//! Options of the grammar that can't be done yet: known, so that naming one is refused in words
//! that help, rather than passed over.

use crate::mistake::Mistake;

macro_rules! later {
    ($($field:ident = $long:literal, $instead:literal;)+) => {
        /// Options that are refused.
        #[derive(Clone, Debug, Default, clap::Args)]
        pub(super) struct LaterArgs {
            $(#[arg(long = $long, hide = true, num_args = 0..=1, default_missing_value = "")]
            $field: Option<String>,)+
        }

        impl LaterArgs {
            /// Refuses the first one that was named.
            pub(super) fn refuse(&self) -> Result<(), Mistake> {
                $(if self.$field.is_some() {
                    return Err(Mistake::new(concat!("inject: --", $long, " is not supported yet"))
                        .hint($instead));
                })+
                Ok(())
            }
        }
    };
}

later! {
    correlation = "correlation", "without it, each packet's luck is its own";
    distribution = "distribution", "--jitter is evenly distributed";
    gilbert_elliott = "gilbert-elliott", "loss 10% drops each packet with the same probability";
    ramp = "ramp", "the fault holds in full from its beginning";
    pulse = "pulse", "the fault holds for all of --for";
    max_packets = "max-packets", "limit it by --for";
    percent_of_flows = "percent-of-flows", "narrow it down by --to HOST:PORT and --proto";
    only = "only", "it holds for new and for established connections";
    by = "by", "it belongs to reorder, which is not supported yet";
    burst = "burst", "it belongs to rate, which is not supported yet";
    errno = "errno", "it belongs to refuse, which is not supported yet";
    name = "name", "it belongs to dns, which is not supported yet";
    signal = "signal", "it belongs to pause and kill, which are not supported yet";
}
