//! What `lab up` says on standard output: one JSON line when the shop is open, one at the end.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::cast::Cast;
use crate::cli::UpArguments;
use crate::shop::Patterns;
use crate::topology::{Role, listens_at};

/// Prints one line. Nobody listening is no reason not to go on: there is still clearing up to do.
pub(super) fn say(line: &Value) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Where everything is.
pub(super) fn ready(arguments: &UpArguments, cast: &Cast<'_>) -> Value {
    let namespace = |role: Role| {
        (
            role.name().to_owned(),
            json!(arguments.name.namespace(role)),
        )
    };
    let pid = |(role, pid): (Role, u32)| (role.name().to_owned(), json!(pid));
    json!({
        "event": "ready",
        "name": arguments.name.to_string(),
        "namespaces": Map::from_iter(Role::ALL.map(namespace)),
        "service": addresses(Role::Shop),
        "dependencies": Role::DEPENDENCIES.map(addresses),
        "pids": Map::from_iter(cast.pids().map(pid)),
        "patterns": Patterns::all_but(&arguments.without),
    })
}

fn addresses(role: Role) -> Value {
    let [v4, v6] = listens_at(role).map(|address| address.to_string());
    json!({"name": role.name(), "v4": v4, "v6": v6})
}
