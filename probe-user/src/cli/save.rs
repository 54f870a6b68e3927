//! `--save`: a scenario to begin with, out of what was observed.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail};

use super::tell;
use crate::{engine::observe::Observed, report::skeleton::skeleton};

/// Refuses a file before anything is observed for it.
///
/// # Errors
/// Where it is there and not to be replaced, or can't be made there.
pub fn refuse(file: &Path, force: bool) -> Result<()> {
    let name = file.display();
    match fs::metadata(file) {
        Ok(metadata) if metadata.is_dir() => bail!("saving \"{name}\": it is a folder"),
        Ok(_) if !force => Err(is_there(file)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("saving \"{name}\""))
        }
        Err(_) => {
            let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
            match folder {
                Some(folder) if !folder.is_dir() => Err(anyhow!(
                    "saving \"{name}\": there is no folder {}\nhint: make it first",
                    folder.display()
                )),
                _ => Ok(()),
            }
        }
    }
}

/// Writes the scenario; where that fails, it goes to stderr, so that it isn't lost.
///
/// # Errors
/// Where it can't be written, or there is nothing to write.
pub fn write(observed: &Observed, file: &Path, force: bool) -> Result<()> {
    let name = file.display();
    let Some(skeleton) = skeleton(&observed.observation(), &observed.namespaces) else {
        bail!(
            "saving \"{name}\": no service was seen to write a scenario for\n\
             hint: observe for longer, or while it has something to do"
        );
    };
    if let Err(error) = put(file, &skeleton.text, force) {
        tell(&skeleton.text);
        return Err(error);
    }
    tell(&format!("{name}: a scenario for {}\n", skeleton.service));
    if skeleton.others > 0 {
        tell(&format!(
            "of {} services in sight it calls most others; --process NAME picks another\n",
            skeleton.others + 1
        ));
    }
    tell(&format!("next: probe check {name}\n"));
    Ok(())
}

fn put(file: &Path, text: &str, force: bool) -> Result<()> {
    let made = match force {
        true => File::create(file),
        // Somebody may have made one meanwhile.
        false => File::create_new(file),
    };
    let written = made.and_then(|mut it| it.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(file)),
        other => other.with_context(|| format!("saving \"{}\"", file.display())),
    }
}

fn is_there(file: &Path) -> anyhow::Error {
    anyhow!(
        "saving \"{}\": it is there already\nhint: name another file, or replace it with --force",
        file.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_unless_asked() {
        let folder = std::env::temp_dir().join(format!("probe-save-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("x.toml");
        refuse(&file, false).unwrap();
        put(&file, "one", false).unwrap();
        for error in [refuse(&file, false), put(&file, "two", false)] {
            let error = error.unwrap_err().to_string();
            assert!(error.ends_with("hint: name another file, or replace it with --force"));
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        refuse(&file, true).unwrap();
        put(&file, "2", true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "2");
        assert!(refuse(&folder, true).is_err());
        let nowhere = folder.join("no/such/x.toml");
        assert!(
            refuse(&nowhere, true)
                .unwrap_err()
                .to_string()
                .contains("no folder")
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
