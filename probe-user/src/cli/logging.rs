//! Log lines on stderr, ours and those of the kernel programs.

use std::io::Write;

use log::LevelFilter;

use super::{Common, style::Paint};

/// Starts logging as loud as asked.
pub(super) fn start(common: &Common) {
    let mut builder = env_logger::Builder::new();
    match common.verbose {
        0 => builder.filter_module("probe", LevelFilter::Warn),
        1 => builder.filter_module("probe", LevelFilter::Info),
        2 => builder.filter_module("probe", LevelFilter::Debug),
        _ => builder.filter_level(LevelFilter::Trace),
    };
    let on = common.color.on_stderr();
    builder.format(move |out, record| {
        let level = format!("{:<5}", record.level().as_str().to_lowercase());
        let level = match record.level() {
            log::Level::Error => Paint::Bad.text(&level, on),
            log::Level::Warn => Paint::Warning.text(&level, on),
            _ => Paint::Faint.text(&level, on),
        };
        writeln!(out, "{level} {}: {}", short(record.target()), record.args())
    });
    builder.init();
}

/// A module's path in the words of somebody who doesn't know the modules. The kernel programs'
/// crate is called probe as well; their hooks are below `programs`.
fn short(target: &str) -> &str {
    if target.starts_with("probe::programs") {
        return "kernel program";
    }
    match target.strip_prefix("probe::") {
        Some(module) => module.rsplit("::").next().unwrap_or(module),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn targets_are_short() {
        assert_eq!(short("probe::kernel::delay_line::userspace"), "userspace");
        assert_eq!(short("probe::programs::tc"), "kernel program");
        assert_eq!(short("probe"), "probe");
        assert_eq!(short("aya::bpf"), "aya::bpf");
    }
}
