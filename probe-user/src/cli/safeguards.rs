//! What keeps the host from harm, as it is typed: the list of what is never faulted, and where it
//! is written down what was.

use std::path::Path;

use super::Common;
use crate::{
    endpoint::EndpointSpec,
    engine::trail::Safeguards,
    kernel::audit_log,
    protection::{Thing, Wishes},
};

/// Changes to the list of what no fault touches.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Safety")]
pub struct ProtectArgs {
    /// Never fault packets to or from here: written like --to; repeatable
    #[arg(long, value_name = "ENDPOINT")]
    pub protect: Vec<EndpointSpec>,
    /// Let faults touch what is on the list otherwise: ssh, session, nd, dhcp or an endpoint that
    /// is on it; repeatable. `probe doctor` shows the list
    #[arg(long, value_name = "THING")]
    pub unprotect: Vec<Thing>,
}

impl ProtectArgs {
    /// With the audit log that is to be used.
    pub fn safeguards(self, common: &Common) -> Safeguards {
        Safeguards {
            wishes: Wishes {
                protect: self.protect,
                unprotect: self.unprotect,
            },
            audit: audit_log::path(common.audit.as_deref().map(Path::new)),
        }
    }
}
