//! Reads a scenario's sections, top to bottom, all but its steps.

use std::time::Duration;

use toml::de::DeTable;

use super::error::{ScenarioError, Source};
use super::table::{Found, Table};
use super::{Abort, Dependency, Expect, Scenario, Service, SteadyState, Tier, check, keys, step};
use crate::endpoint::EndpointSpec;
use crate::mistake::Mistake;
use crate::quantity::{Bound, Measure, Relation, Sustained, parse_duration};

const DEFAULT_TIME_BOX: Duration = Duration::from_secs(300);
const DEFAULT_STEADY_TIME: Duration = Duration::from_secs(10);

/// Reads and checks a whole scenario.
pub(super) fn read(text: &str, file: &str) -> Result<Scenario, ScenarioError> {
    let source = Source { file, text };
    let document = DeTable::parse(text).map_err(|error| source.syntax_error(&error))?;
    let top = Table::document(source, document.get_ref());
    top.allow(keys::TOP)?;
    let name = top
        .required("name", "\"payments slow\"", top.text("name")?)?
        .value;
    let hypothesis = top.text("hypothesis")?.map(|found| found.value);
    let time_box = lasting(&top, "time_box")?;
    let service = read_service(&section(&top, "service", "the system under test")?)?;
    let dependencies = read_dependencies(&top)?;
    let steady_state = section(&top, "steady_state", "what has to hold before and after")?;
    let steady_state = read_steady_state(&steady_state)?;
    let expect = top.table("expect")?;
    let expect = expect.map(|table| read_expect(&table, &dependencies));
    let steps = step::read_all(&top, &service, &dependencies)?;
    let scenario = Scenario {
        name,
        hypothesis: hypothesis.unwrap_or_default(),
        time_box: time_box
            .as_ref()
            .map_or(DEFAULT_TIME_BOX, |found| found.value),
        service,
        dependencies,
        steady_state,
        steps,
        expect: expect.transpose()?.unwrap_or_default(),
        abort: top
            .table("abort")?
            .map(|table| read_abort(&table))
            .transpose()?
            .unwrap_or_default(),
        protect: read_protected(&top)?,
    };
    check::fits_time_box(&scenario, &top, source)?;
    Ok(scenario)
}

/// Endpoints that no fault is to touch.
fn read_protected(top: &Table<'_>) -> Result<Vec<EndpointSpec>, ScenarioError> {
    let texts = top.texts("protect", "[\"10.0.0.7:80\"]")?;
    let texts = texts.map(|found| found.value).unwrap_or_default();
    let endpoints = texts.iter().map(|text| {
        let endpoint = text.value.parse::<EndpointSpec>();
        endpoint.map_err(|mistake| top.error_at(text, mistake.in_place("protect")))
    });
    endpoints.collect()
}

/// A duration that isn't zero.
pub(super) fn lasting(
    table: &Table<'_>,
    key: &str,
) -> Result<Option<Found<Duration>>, ScenarioError> {
    table.quantity(key, |text| match parse_duration(text)? {
        Duration::ZERO => Err(Mistake::new("has to last longer than no time")),
        duration => Ok(duration),
    })
}

fn section<'a>(top: &Table<'a>, key: &str, what: &str) -> Result<Table<'a>, ScenarioError> {
    top.table(key)?.ok_or_else(|| {
        top.error(
            Mistake::new(format!("[{key}] is missing"))
                .hint(format!("add a section [{key}]: {what}")),
        )
    })
}

fn read_service(table: &Table<'_>) -> Result<Service, ScenarioError> {
    table.allow(keys::SERVICE)?;
    let text = |key: &str| Ok(table.text(key)?.map(|found| found.value));
    let cgroup = table.text("cgroup")?;
    if let Some(found) = cgroup
        .as_ref()
        .filter(|found| !found.value.starts_with('/'))
    {
        let mistake = Mistake::new(format!("cgroup: \"{}\" is no path", found.value));
        return Err(table.error_at(
            found,
            mistake.hint("write it from the root, as \"/user.slice\""),
        ));
    }
    let listen = table.port("listen")?.map(|found| found.value);
    let process = table.word("process")?.map(|found| found.value);
    let netns = text("netns")?;
    if listen.is_none() && process.is_none() && cgroup.is_none() && netns.is_none() {
        return Err(table.error(
            Mistake::new("[service] has no selector")
                .hint("add one of listen, process, cgroup, netns"),
        ));
    }
    let name = text("name")?
        .or_else(|| process.clone())
        .unwrap_or_else(|| "service".to_owned());
    Ok(Service {
        name,
        listen,
        process,
        cgroup: cgroup.map(|found| found.value),
        netns,
    })
}

fn read_dependencies(top: &Table<'_>) -> Result<Vec<Dependency>, ScenarioError> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for table in top.tables("dependency")? {
        table.allow(keys::DEPENDENCY)?;
        let name = table.required("name", "\"payments\"", table.text("name")?)?;
        if dependencies.iter().any(|other| other.name == name.value) {
            let mistake = Mistake::new(format!("dependency \"{}\" is there twice", name.value));
            return Err(table.error_at(
                &name,
                mistake.hint("give it another name, or list both addresses under one \"to\""),
            ));
        }
        let to = read_endpoints(&table, &dependencies)?;
        let tiers = [Tier::Essential, Tier::Important, Tier::Optional].map(|t| (t.name(), t));
        let tier = table.choice("tier", &tiers)?;
        dependencies.push(Dependency {
            name: name.value,
            to,
            tier: tier.map_or(Tier::Essential, |found| found.value),
        });
    }
    Ok(dependencies)
}

fn read_endpoints(
    table: &Table<'_>,
    others: &[Dependency],
) -> Result<Vec<EndpointSpec>, ScenarioError> {
    const EXAMPLE: &str = "[\"10.0.0.7:80\"]";
    let texts = table.required("to", EXAMPLE, table.texts("to", EXAMPLE)?)?;
    let mut endpoints = Vec::new();
    for text in &texts.value {
        let endpoint: EndpointSpec = text
            .value
            .parse()
            .map_err(|mistake| table.error_at(text, mistake))?;
        if let Some(other) = others.iter().find(|other| other.to.contains(&endpoint)) {
            let mistake = Mistake::new(format!(
                "endpoint \"{endpoint}\" is there twice: dependency \"{}\" has it too",
                other.name
            ));
            return Err(table.error_at(
                text,
                mistake.hint("a call can belong to one dependency only"),
            ));
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn read_steady_state(table: &Table<'_>) -> Result<SteadyState, ScenarioError> {
    table.allow(keys::STEADY_STATE)?;
    let steady = SteadyState {
        duration: lasting(table, "for")?.map_or(DEFAULT_STEADY_TIME, |found| found.value),
        success_rate: promise(table, "success_rate", true)?,
        p99: promise(table, "p99", false)?,
    };
    if steady.success_rate.is_none() && steady.p99.is_none() {
        return Err(table.error(
            Mistake::new("[steady_state] says nothing that has to hold")
                .hint("add success_rate = \">= 99%\" or p99 = \"<= 400ms\""),
        ));
    }
    Ok(steady)
}

fn read_expect(table: &Table<'_>, dependencies: &[Dependency]) -> Result<Expect, ScenarioError> {
    table.allow(keys::EXPECT)?;
    let count = |text: &str| {
        text.parse::<u64>().map_err(|_| {
            Mistake::new(format!("{text} is no count")).hint("write 0: none is expected")
        })
    };
    let undeclared = table.number("undeclared_dependencies", "0", count)?;
    Ok(Expect {
        success_rate: promise(table, "success_rate", true)?,
        p99: promise(table, "p99", false)?,
        blast_radius: promise(table, "blast_radius", false)?,
        recovery: promise(table, "recovery", false)?,
        undeclared_dependencies: undeclared.map(|found| found.value),
        patterns: super::patterns::read_all(table, dependencies)?,
    })
}

fn read_abort(table: &Table<'_>) -> Result<Abort, ScenarioError> {
    table.allow(keys::ABORT)?;
    let abort = Abort {
        success_rate: table
            .quantity("success_rate", |text| {
                let guard = Sustained::parse(text)?;
                facing(guard.bound, false, text).map(|_| guard)
            })?
            .map(|found| found.value),
        p99: table
            .quantity("p99", |text| {
                let guard = Sustained::parse(text)?;
                facing(guard.bound, true, text).map(|_| guard)
            })?
            .map(|found| found.value),
    };
    Ok(abort)
}

/// A bound on something of which more is better (`large`) or less is.
pub(super) fn promise<T: Measure>(
    table: &Table<'_>,
    key: &str,
    large: bool,
) -> Result<Option<Bound<T>>, ScenarioError> {
    let read = |text: &str| {
        let bound = Bound::parse(text).map_err(|mistake| match T::parse(text) {
            // Only one of the comparisons makes sense here.
            Ok(_) if mistake.message.ends_with("has no comparison") => {
                let sign = if large { ">=" } else { "<=" };
                Mistake::new(mistake.message).hint(format!("write \"{sign} {}\"", text.trim()))
            }
            _ => mistake,
        });
        facing(bound?, large, text)
    };
    let found = table.quantity(key, read)?;
    Ok(found.map(|found| found.value))
}

/// Refuses a bound that faces the wrong way: it would promise trouble, or guard against health.
fn facing<T: Measure>(bound: Bound<T>, large: bool, text: &str) -> Result<Bound<T>, Mistake> {
    if bound.relation.wants_large() == large {
        return Ok(bound);
    }
    let other = match bound.relation {
        Relation::AtLeast => "<=",
        Relation::AtMost => ">=",
        Relation::Above => "<",
        Relation::Below => ">",
    };
    let rest = text
        .trim()
        .trim_start_matches(['<', '>', '=', '≥', '≤'])
        .trim_start();
    Err(Mistake::new(format!("\"{text}\" faces the wrong way"))
        .hint(format!("write \"{other} {rest}\"")))
}
