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
    signal = "signal", "it belongs to pause and kill, which are not supported yet";
}
