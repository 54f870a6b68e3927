//! What is declared beside what was measured, and the exit code that comes of it.

use super::*;
use crate::pattern::declared::read;

/// One of a shop with a timeout, of which another is declared.
pub(in crate::report) fn document() -> Value {
    told(
        "[[dependency]]\nname = \"payments\"\ntimeout = \"2s\"",
        None,
    )
    .2
}

fn exit_code(declared: &str, stopped: Option<&str>) -> (u8, String) {
    let (code, text, _) = told(declared, stopped);
    (code, text)
}

fn told(declared: &str, stopped: Option<&str>) -> (u8, String, Value) {
    let showing = patterns::tests::showing();
    let declared = read(declared).unwrap();
    let injections = super::super::injection::tests::all();
    let fingerprint = Fingerprint {
        showing: &showing,
        from_ns: 0,
        injections: &injections,
        declared: &declared,
        lost_events: 0,
        stopped,
    };
    let document: Value = serde_json::from_str(&fingerprint.json()).unwrap();
    assert_eq!(document["schema"], "probe.fingerprint/1");
    assert_eq!(document["exit_code"], fingerprint.exit_code());
    (fingerprint.exit_code(), fingerprint.text(), document)
}

#[test]
fn what_is_other_than_declared_is_a_failure() {
    let name = "[[dependency]]\nname = \"payments\"\n";
    let (code, text) = exit_code(&format!("{name}timeout = \"500ms\""), None);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("✓ timeout.value"), "{text}");
    let (code, text) = exit_code(&format!("{name}timeout = \"2s\""), None);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("2000 declared, 500.2 measured"), "{text}");
    let (code, _) = exit_code(&format!("{name}bulkhead = 10"), None);
    assert_eq!(code, 1);
    let (code, text) = exit_code(&format!("{name}fallback = true"), None);
    assert_eq!(code, 5, "{text}");
    assert_eq!(
        exit_code(&format!("{name}timeout = \"2s\""), Some("Ctrl-C")).0,
        3
    );
}
