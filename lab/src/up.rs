//! `lab up`: opens the shop, keeps it open until something ends it, and leaves nothing behind.

mod cast;
mod ending;
mod player;
mod report;

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use self::cast::Cast;
use self::ending::{Ending, Endings};
use crate::backstage;
use crate::cli::UpArguments;
use crate::janitor::Janitor;
use crate::lock::Lock;

const STOPPED_EARLY: &str = "stopped before the shop was open";

/// Runs a lab from its opening to its end.
pub(crate) fn run(arguments: UpArguments) -> Result<ExitCode> {
    // One thread: roles die with the thread that started them, and this one lasts.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut endings = runtime.block_on(async { Endings::listen(&arguments) })?;
    let lock = backstage::reserve(&arguments.name)?;
    let (summary, ending) = match perform(&arguments, &lock, &runtime, &mut endings) {
        // Ctrl-C may reach a process just started before that is out of its reach. Whatever
        // that led to, it is not the news.
        Err(_) if runtime.block_on(endings.already_asked()) => bail!(STOPPED_EARLY),
        performed => performed?,
    };
    report::say(&summary);
    match ending {
        Ending::Died(role, status) => bail!("{} ended: {status}", role.name()),
        Ending::Asked => Ok(ExitCode::SUCCESS),
    }
}

/// Has a janitor in place before anything is made, and at work once everything is done.
fn perform(
    arguments: &UpArguments,
    lock: &Lock,
    runtime: &Runtime,
    endings: &mut Endings,
) -> Result<(Value, Ending)> {
    let janitor =
        match prepare_record(arguments).and_then(|()| Janitor::start(&arguments.name, lock)) {
            Ok(janitor) => janitor,
            Err(error) => {
                backstage::clear(&arguments.name)?;
                return Err(error);
            }
        };
    let played = runtime.block_on(play(arguments, &janitor, endings));
    janitor.finish(&arguments.name)?;
    played
}

/// Empties the record, or says that it can't be written before anything else is done.
fn prepare_record(arguments: &UpArguments) -> Result<()> {
    let Some(path) = &arguments.record else {
        return Ok(());
    };
    File::create(path).with_context(|| format!("create record {}", path.display()))?;
    Ok(())
}

/// Returns the summary and what ended the lab. Every process it started is gone then.
async fn play(
    arguments: &UpArguments,
    janitor: &Janitor,
    endings: &mut Endings,
) -> Result<(Value, Ending)> {
    let mut cast = Cast::new(arguments, janitor);
    let opening = async {
        backstage::build(&arguments.name)?;
        cast.start().await
    };
    tokio::select! {
        opened = opening => opened?,
        () = endings.asked() => bail!(STOPPED_EARLY),
    }
    report::say(&report::ready(arguments, &cast));
    endings.start_clock();
    let ending = tokio::select! {
        () = endings.asked() => Ending::Asked,
        ending = cast.supervise() => ending,
    };
    Ok((cast.stop().await, ending))
}
