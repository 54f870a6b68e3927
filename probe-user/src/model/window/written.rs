//! What happened in a span, as it is written down: where nothing was abandoned both histograms
//! are the same, and one will do.

use serde::{Deserialize, Serialize};

use super::{Histogram, WindowStats};

/// See the file's head.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    span_ms: u64,
    calls: u64,
    ok: u64,
    errors: u64,
    abandoned: u64,
    connect_failures: u64,
    latency: Histogram,
    /// None where it is as `latency`.
    waited: Option<Histogram>,
}

impl From<WindowStats> for Written {
    fn from(stats: WindowStats) -> Self {
        Self {
            span_ms: stats.span_ms,
            calls: stats.calls,
            ok: stats.ok,
            errors: stats.errors,
            abandoned: stats.abandoned,
            connect_failures: stats.connect_failures,
            waited: (stats.waited != stats.latency).then_some(stats.waited),
            latency: stats.latency,
        }
    }
}

impl From<Written> for WindowStats {
    fn from(written: Written) -> Self {
        Self {
            span_ms: written.span_ms,
            calls: written.calls,
            ok: written.ok,
            errors: written.errors,
            abandoned: written.abandoned,
            connect_failures: written.connect_failures,
            waited: written.waited.unwrap_or_else(|| written.latency.clone()),
            latency: written.latency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut stats = WindowStats {
            calls: 2,
            ok: 1,
            abandoned: 1,
            ..WindowStats::default()
        };
        stats.latency.record(1_234);
        stats.waited.record(1_234);
        let text = serde_json::to_string(&stats).unwrap();
        assert!(text.contains("\"waited\":null"), "{text}");
        assert_eq!(serde_json::from_str::<WindowStats>(&text).unwrap(), stats);
        stats.waited.record(99_000);
        let text = serde_json::to_string(&stats).unwrap();
        assert_eq!(serde_json::from_str::<WindowStats>(&text).unwrap(), stats);
    }
}
