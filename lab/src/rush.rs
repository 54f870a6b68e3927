//! `lab rush`: more customers than the shop is used to, for a while. They come from where the
//! lab's own customers do, and the lab needn't know of them.

use std::process::ExitCode;

use anyhow::Result;
use tokio::runtime::Builder;

use crate::cli::RushArguments;
use crate::refusal::Refusal;
use crate::topology::{Role, listens_at};
use crate::{customers, namespace};

/// Runs the rush to its end, and says on standard output how its customers fared.
pub(crate) fn run(arguments: &RushArguments) -> Result<ExitCode> {
    let path = arguments.name.namespace_path(Role::Customers);
    if !path.exists() {
        return Err(Refusal::because(
            format!("there is no lab named {}", arguments.name),
            "start one with `lab up`, or name it with --name",
        ));
    }
    // Before there are other threads: namespaces are per thread, and threads inherit them.
    namespace::enter(&path)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let [shop, _] = listens_at(Role::Shop);
    println!("{}", runtime.block_on(customers::rush(shop, arguments))?);
    Ok(ExitCode::SUCCESS)
}
