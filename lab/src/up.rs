//! `lab up`: opens the shop, keeps it open until something ends it, and leaves nothing behind.

mod cast;
mod ending;
mod player;
mod report;

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tokio::runtime::Builder;

use self::cast::Cast;
use self::ending::{Ending, Endings};
use crate::backstage;
use crate::cli::UpArguments;
use crate::janitor::Janitor;

/// Runs a lab from its opening to its end.
pub(crate) fn run(arguments: UpArguments) -> Result<ExitCode> {
    let lock = backstage::reserve(&arguments.name)?;
    // Before anything is made, so that whatever happens from here on is cleared up.
    let janitor =
        match prepare_record(&arguments).and_then(|()| Janitor::start(&arguments.name, &lock)) {
            Ok(janitor) => janitor,
            Err(error) => {
                backstage::clear(&arguments.name)?;
                return Err(error);
            }
        };
    // One thread: roles die with the thread that started them, and this one lasts.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(play(&arguments, &janitor));
    drop(runtime);
    janitor.finish(&arguments.name)?;
    let (summary, ending) = played?;
    report::say(&summary);
    match ending {
        Ending::Died(role, status) => bail!("{} ended: {status}", role.name()),
        Ending::Asked => Ok(ExitCode::SUCCESS),
    }
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
async fn play(arguments: &UpArguments, janitor: &Janitor) -> Result<(serde_json::Value, Ending)> {
    let mut endings = Endings::listen(arguments)?;
    let mut cast = Cast::new(arguments, janitor);
    let opening = async {
        backstage::build(&arguments.name)?;
        cast.start().await
    };
    tokio::select! {
        opened = opening => opened?,
        () = endings.asked() => bail!("stopped before the shop was open"),
    }
    report::say(&report::ready(arguments, &cast));
    endings.start_clock();
    let ending = tokio::select! {
        () = endings.asked() => Ending::Asked,
        ending = cast.supervise() => ending,
    };
    Ok((cast.stop().await, ending))
}
