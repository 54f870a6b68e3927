//! One process of the lab: enters its namespace, takes its name, and plays its role until its
//! standard input ends. It speaks JSON lines to `lab up` on standard output.

mod lifeline;

use std::ffi::CString;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::runtime::Builder;

pub(crate) use self::lifeline::Lifeline;

use crate::cli::RoleArguments;
use crate::record::{self, Recorder};
use crate::topology::Role;
use crate::{customers, dependency, namespace, resolver, shop};

/// Plays the role that the arguments name.
pub(crate) fn run(arguments: RoleArguments) -> Result<ExitCode> {
    let name = arguments.role.name();
    // Should `lab up` die before this line, the end of standard input tells.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_name(&CString::new(name)?)?;
    // Before there are other threads: namespaces are per thread, and threads inherit them.
    namespace::enter(&arguments.netns)?;
    let lifeline = Lifeline::watch_stdin(name)?;
    let (recorder, writer) = record::start(arguments.record.as_deref(), name)?;
    // One thread each is plenty for what is asked, and leaves the machine's cores to the others.
    let runtime = Builder::new_current_thread()
        .thread_name(name)
        .enable_all()
        .build()?;
    let played = runtime.block_on(play(&arguments, recorder, lifeline));
    // With the runtime go all tasks, and with those the recorders that the writer waits for.
    drop(runtime);
    writer.join();
    let summary = played.with_context(|| name)?;
    say("summary", &summary)?;
    Ok(ExitCode::SUCCESS)
}

async fn play(arguments: &RoleArguments, recorder: Recorder, lifeline: Lifeline) -> Result<Value> {
    match arguments.role {
        Role::Shop => shop::open(arguments, recorder, lifeline).await,
        Role::Customers => customers::load(arguments, recorder, lifeline).await,
        Role::Resolver => resolver::serve(lifeline).await,
        Role::Payments | Role::PaymentsReplica | Role::Inventory | Role::Recommendations => {
            dependency::serve(arguments, lifeline).await
        }
    }
}

/// Tells `lab up` that this role does what it is there for.
pub(crate) fn say_ready() -> Result<()> {
    say("ready", &Value::Null)
}

fn say(event: &str, content: &Value) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", json!({"event": event, "content": content}))?;
    Ok(stdout.flush()?)
}
