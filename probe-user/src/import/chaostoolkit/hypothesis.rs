//! The steady-state hypothesis: probes that ask a service over HTTP tell which service it is, and
//! how soon it has to answer.

use std::time::Duration;

use serde_json::Value;

use super::LeftOut;
use super::experiment::{Activity, Experiment};

/// What of a hypothesis a scenario can hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Steady {
    /// Port of the service that is asked.
    pub(super) listen: Option<u16>,
    /// Where it is asked.
    pub(super) url: Option<String>,
    /// The longest that an answer may take.
    pub(super) timeout: Option<Duration>,
}

/// Reads the hypothesis.
pub(super) fn read(experiment: &Experiment, left_out: &mut Vec<LeftOut>) -> Steady {
    let mut steady = Steady::default();
    let probes = experiment.hypothesis.iter().flat_map(|it| &it.probes);
    for (index, probe) in probes.enumerate() {
        let place = probe.place("steady-state-hypothesis", index);
        let told = experiment.resolve(probe);
        let told = told.ok_or_else(|| "it refers to nothing that is there".to_owned());
        if let Err(why) = told.and_then(|probe| take(probe, &mut steady)) {
            left_out.push(LeftOut { place, why });
        }
    }
    steady
}

fn take(probe: &Activity, steady: &mut Steady) -> Result<(), String> {
    match probe.provider.kind.as_str() {
        "http" => {}
        "process" => {
            return Err(
                "a command's result is no steady state here: probe judges by the calls \
                        that the service answers"
                    .to_owned(),
            );
        }
        "python" => {
            return Err(format!(
                "probe runs no Python ({}.{}): it judges by the calls that the service answers",
                probe.provider.module, probe.provider.func
            ));
        }
        other => return Err(format!("there is no provider \"{other}\"")),
    }
    let url = &probe.provider.url;
    let port = port_of(url).ok_or_else(|| format!("\"{url}\" is no URL with a port"))?;
    if steady.listen.is_some_and(|known| known != port) {
        return Err(format!(
            "a scenario has one service, and that is the one on port {}",
            steady.listen.unwrap_or_default()
        ));
    }
    if !is_success(probe.tolerance.as_ref()) {
        return Err(
            "a steady state is a share of calls that go well: a tolerance other than a \
                    status of success can't be kept"
                .to_owned(),
        );
    }
    steady.listen = Some(port);
    steady.url.get_or_insert_with(|| url.clone());
    let timeout = probe.provider.timeout.as_ref().and_then(seconds);
    steady.timeout = steady.timeout.or(timeout);
    Ok(())
}

/// Whether a tolerance asks for a call that goes well.
fn is_success(tolerance: Option<&Value>) -> bool {
    let good = |it: &Value| it.as_u64().is_some_and(|it| (200..400).contains(&it));
    match tolerance {
        None => false,
        Some(Value::Array(several)) => several.iter().all(good),
        Some(Value::Object(range)) => {
            range.get("type").and_then(Value::as_str) == Some("range")
                && range.get("target").and_then(Value::as_str) == Some("status")
                && range.get("range").is_some_and(|it| is_success(Some(it)))
        }
        Some(one) => good(one),
    }
}

/// A timeout is a number of seconds, or two, of which the second is for the answer.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Array(two) => two.last()?.as_f64()?,
        one => one.as_f64()?,
    };
    Duration::try_from_secs_f64(number)
        .ok()
        .filter(|it| !it.is_zero())
}

fn port_of(url: &str) -> Option<u16> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let after = match host.rsplit_once(']') {
        Some((_, after)) => after.strip_prefix(':'),
        None => host.rsplit_once(':').map(|it| it.1),
    };
    match (after, scheme) {
        (Some(port), _) => port.parse().ok(),
        (None, "http") => Some(80),
        (None, "https") => Some(443),
        (None, _) => None,
    }
}
