//! The policy sheet: as `probe.fingerprint/1`, and for people.

use serde_json::{Value, json};

use super::{injection::Injection, patterns};
use crate::pattern::{
    Sheet, Showing,
    declared::{Agreement, Difference, Policy, compare},
};

/// All there is to tell of a fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint<'a> {
    /// Which patterns showed, towards what was faulted alone.
    pub showing: &'a Showing,
    /// When it began, on CLOCK_MONOTONIC.
    pub from_ns: u64,
    /// What became of each fault.
    pub injections: &'a [Injection],
    /// What is declared; empty where nothing is.
    pub declared: &'a [Policy],
    /// Events lost meanwhile.
    pub lost_events: u64,
    /// Why it ended early, if it did.
    pub stopped: Option<&'a str>,
}

impl Fingerprint<'_> {
    /// What is declared beside what was measured, for each caller of a dependency that is.
    pub fn differences(&self) -> Vec<(&Sheet, Vec<Difference>)> {
        let sheets = self.showing.sheets.iter();
        sheets
            .filter_map(|sheet| {
                let is = |it: &&Policy| it.name == sheet.dependency || it.name == sheet.remote;
                let policy = self.declared.iter().find(is)?;
                Some((sheet, compare(policy, &sheet.findings)))
            })
            .collect()
    }

    /// 3 where it ended early, 4 where a fault touched nothing, 1 where something is other than
    /// declared, 5 where nothing is known of a declared pattern or nobody called, 0 else.
    pub fn exit_code(&self) -> u8 {
        let told = self.differences();
        let any = |wanted: Agreement| {
            let mut all = told.iter().flat_map(|it| &it.1);
            all.any(|it| it.agreement == wanted)
        };
        if self.stopped.is_some() {
            3
        } else if self.injections.iter().all(|it| !it.is_effective()) {
            4
        } else if any(Agreement::Differs) {
            1
        } else if self.showing.sheets.is_empty() || any(Agreement::Unknown) {
            5
        } else {
            0
        }
    }

    /// As one JSON document.
    pub fn json(&self) -> String {
        let faults: Vec<Value> = self
            .injections
            .iter()
            .filter_map(|it| serde_json::from_str(&it.json()).ok())
            .collect();
        let declared: Vec<Value> = self
            .differences()
            .iter()
            .map(|(sheet, all)| {
                json!({
                    "service": {"pid": sheet.pid, "comm": sheet.service},
                    "dependency": sheet.dependency,
                    "remote": sheet.remote,
                    "differences": all,
                })
            })
            .collect();
        let fields = json!({
            "faults": faults,
            "patterns": patterns::json(&self.showing.sheets, self.from_ns),
            "cascades": patterns::cascades(self.showing, self.from_ns),
            "pattern_record": patterns::missing(self.showing),
            "declared": declared,
            "lost_events": self.lost_events,
            "stopped": self.stopped,
            "exit_code": self.exit_code(),
        });
        super::observed::document("probe.fingerprint/1", &fields)
    }

    /// For people: each pattern with what it rests on, then what is other than declared.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for sheet in &self.showing.sheets {
            text += &format!(
                "{} ({})\n",
                super::observed::visible(&sheet.name()),
                sheet.remote
            );
            for (name, ground) in sheet.findings.grounds() {
                let known = patterns::known(sheet, name);
                text += &format!("  {:<16} {known}\n", name.replace('_', " "));
                if !ground.evidence.is_empty() {
                    let sure = match ground.confidence {
                        0.0 => String::new(),
                        sure => format!("{:.0} % sure: ", sure * 100.0),
                    };
                    text += &format!("  {:<16}   {sure}{}\n", "", ground.evidence);
                }
            }
        }
        if text.is_empty() {
            text += "nobody called it\n";
        }
        for (sheet, all) in self.differences() {
            text += &format!("\ndeclared of {}\n", sheet.name());
            for it in all {
                let mark = match it.agreement {
                    Agreement::Same => "✓",
                    Agreement::Differs => "✗",
                    Agreement::Unknown => "?",
                };
                text += &format!(
                    "  {mark} {:<26} {} declared, {} measured\n",
                    it.what, it.declared, it.measured
                );
            }
        }
        for it in self.injections {
            if let Some((why, _)) = it.why_ineffective() {
                text += &format!("\n{} was ineffective: {why}\n", it.fault);
            }
        }
        if let Some(why) = self.stopped {
            text += &format!("\nended early: {why}\n");
        }
        text
    }
}

#[cfg(test)]
pub(super) mod tests;
