//! The JSON Schemas of the documents that probe writes, and of the scenarios that it reads, as they
//! are in docs/schema.

use crate::mistake::Mistake;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Kind of document: "observe".
    pub kind: &'static str,
    /// What the document's `schema` says: "probe.observe/1".
    pub id: &'static str,
    /// The schema itself.
    pub text: &'static str,
}

/// Those in docs/schema, by their kinds.
macro_rules! schemas {
    ($($kind:literal),+ $(,)?) => {
        &[$(Schema {
            kind: $kind,
            id: concat!("probe.", $kind, "/1"),
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../docs/schema/probe.",
                $kind,
                "-1.json"
            )),
        }),+]
    };
}

/// Those there are.
pub const ALL: &[Schema] = schemas![
    "audit",
    "audit-verify",
    "call",
    "check",
    "doctor",
    "fingerprint",
    "history",
    "inject",
    "inject-plan",
    "journal",
    "observe",
    "scenario",
    "status",
    "verdict",
];

/// The schema of a kind of document.
///
/// # Errors
/// Where there is none, with those there are.
pub fn find(kind: &str) -> Result<&'static str, Mistake> {
    let found = ALL.iter().find(|it| it.kind == kind || it.id == kind);
    found.map(|it| it.text).ok_or_else(|| {
        let kinds: Vec<_> = ALL.iter().map(|it| it.kind).collect();
        Mistake::new(format!("there is no schema \"{kind}\""))
            .hint(format!("there are {}", kinds.join(", ")))
    })
}

#[cfg(test)]
pub(crate) mod tests;
