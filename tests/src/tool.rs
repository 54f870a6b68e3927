//! Programs that `cargo xtask setup` gets: unpacked into the target folder with the libraries they
//! need, or on the machine anyway; and the Python environment with its clients.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::programs::target_folder;

/// A program of somebody else's.
#[derive(Clone, Debug)]
pub struct Tool {
    path: PathBuf,
    /// Where it was unpacked, if it was.
    root: Option<PathBuf>,
}

impl Tool {
    /// Finds one.
    ///
    /// # Errors
    /// Where there is none, with what to do about it.
    pub fn find(program: &str) -> Result<Self> {
        let root = target_folder().join("servers/root");
        let unpacked = folders(&root.join("usr")).into_iter();
        let path = env::var_os("PATH").unwrap_or_default();
        let machine = env::split_paths(&path).chain(folders(Path::new("/usr")));
        let mut places = unpacked
            .map(|path| (path, Some(root.clone())))
            .chain(machine.map(|path| (path, None)));
        places
            .find(|(folder, _)| folder.join(program).is_file())
            .map(|(folder, root)| Self {
                path: folder.join(program),
                root,
            })
            .with_context(|| format!("there is no {program}\nhint: `cargo xtask setup` gets it"))
    }

    /// Finds the Python that has the clients.
    ///
    /// # Errors
    /// Where there is none, with what to do about it.
    pub fn python() -> Result<Command> {
        let mut command = python_of("python")?;
        // What it writes is read as it comes.
        command.arg("-u");
        Ok(command)
    }

    /// Finds Chaos Toolkit, among the clients.
    ///
    /// # Errors
    /// Where there is none, with what to do about it.
    pub fn chaos() -> Result<Command> {
        let mut command = python_of("python")?;
        command.args(["-m", "chaostoolkit"]);
        Ok(command)
    }

    /// Finds the Python that has the libraries whose resilience patterns are known.
    ///
    /// # Errors
    /// Where there is none, with what to do about it.
    pub fn python_with_patterns() -> Result<Command> {
        python_of("patterns-python")
    }

    /// The folder with Node's packages whose resilience patterns are known.
    ///
    /// # Errors
    /// Where there is none, with what to do about it.
    pub fn packages_with_patterns() -> Result<PathBuf> {
        let folder = target_folder().join("patterns-node");
        if !folder.join("node_modules").is_dir() {
            anyhow::bail!(
                "there is no {}\nhint: `cargo xtask setup` makes it",
                folder.join("node_modules").display()
            );
        }
        Ok(folder)
    }

    /// A command that runs it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(root) = &self.root {
            let libraries = fs::read_dir(root.join("usr/lib")).into_iter().flatten();
            let libraries = libraries.flatten().map(|folder| folder.path());
            let libraries = libraries.filter(|it| it.to_string_lossy().contains("-linux-gnu"));
            if let Ok(libraries) = env::join_paths(libraries) {
                command.env("LD_LIBRARY_PATH", libraries);
            }
        }
        command
    }

    /// Where its `share` and `lib` are.
    pub fn prefix(&self) -> PathBuf {
        self.root
            .as_ref()
            .map_or_else(|| "/usr".into(), |root| root.join("usr"))
    }
}

/// The Python of an environment in the target folder.
fn python_of(environment: &str) -> Result<Command> {
    let python = target_folder().join(environment).join("bin/python");
    if !python.is_file() {
        anyhow::bail!(
            "there is no {}\nhint: `cargo xtask setup` makes it",
            python.display()
        );
    }
    Ok(Command::new(python))
}

/// Where programs are below a prefix; those of PostgreSQL by themselves, where wrappers aren't.
fn folders(prefix: &Path) -> Vec<PathBuf> {
    let databases = fs::read_dir(prefix.join("lib/postgresql"));
    let databases = databases.into_iter().flatten().flatten();
    databases
        .map(|version| version.path().join("bin"))
        .chain(["bin", "sbin"].map(|folder| prefix.join(folder)))
        .collect()
}
