//! Reads the steps of a scenario's timeline.

use super::error::ScenarioError;
use super::nearest::suggest;
use super::sections::lasting;
use super::table::{Found, Table};
use super::{Dependency, FaultStep, Service, Step, StepAction, fault, keys};
use crate::fault::Fault;
use crate::mistake::Mistake;
use crate::plan::breadth::is_everything;
use crate::plan::{Direction, Protocol};
use crate::quantity::parse_duration;

/// Transport protocols, as they are typed.
const PROTOCOLS: [(&str, Protocol); 3] = [
    ("any", Protocol::Any),
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
];

/// Reads all steps.
pub(super) fn read_all(
    top: &Table<'_>,
    service: &Service,
    dependencies: &[Dependency],
) -> Result<Vec<Step>, ScenarioError> {
    let tables = top.tables("step")?;
    if tables.is_empty() {
        return Err(top.error(
            Mistake::new("there is no step").hint("add a [[step]] with a fault or a command"),
        ));
    }
    tables
        .iter()
        .map(|table| {
            let step = read_step(table, service, dependencies)?;
            refuse_near_without_service(table, service, &step)?;
            Ok(step)
        })
        .collect()
}

/// A fault that is for the service's traffic alone needs to know whose that is.
fn refuse_near_without_service(
    table: &Table<'_>,
    service: &Service,
    step: &Step,
) -> Result<(), ScenarioError> {
    let is_near = step.fault().is_some_and(|fault| fault.is_near);
    if !is_near || service.process.is_some() || service.cgroup.is_some() {
        return Ok(());
    }
    let mistake = Mistake::new("near: the service has neither a process nor a cgroup")
        .hint("add process = \"NAME\" or cgroup = \"PATH\" to [service]");
    Err(match table.key("near") {
        Some(found) => table.error_at(&found, mistake),
        None => table.error(mistake),
    })
}

fn read_step(
    table: &Table<'_>,
    service: &Service,
    dependencies: &[Dependency],
) -> Result<Step, ScenarioError> {
    let known = keys::of_steps();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    table.allow(&known)?;
    let title = table.title();
    let action = match (table.key("fault"), table.key("run")) {
        (Some(_), None) => StepAction::Fault(read_fault(table, service, dependencies)?),
        (None, Some(_)) => StepAction::Run(read_command(table)?),
        (Some(_), Some(run)) => {
            let mistake = Mistake::new(format!("{title} has both a fault and a command"));
            return Err(table.error_at(&run, mistake.hint("make them two steps")));
        }
        (None, None) => {
            return Err(table.error(
                Mistake::new(format!("{title} has neither a fault nor a command"))
                    .hint("add fault = \"delay\" or run = [\"COMMAND\", \"ARGUMENT\"]"),
            ));
        }
    };
    let at = table.quantity("at", parse_duration)?;
    Ok(Step {
        at: table.required("at", "\"0s\"", at)?.value,
        action,
        line: table.line(),
    })
}

fn read_fault(
    table: &Table<'_>,
    service: &Service,
    dependencies: &[Dependency],
) -> Result<FaultStep, ScenarioError> {
    let (fault, modifiers) = fault::read(table)?;
    let near = table.choice("near", &[("service", true), ("everybody", false)])?;
    let is_near = near.as_ref().is_some_and(|found| found.value);
    let (dependency, on) = match fault.is_on_processes() {
        true => {
            refuse_far_side(table, &fault, is_near)?;
            (None, service.name.clone())
        }
        false => {
            let (dependency, on) = read_far_side(table, dependencies)?;
            (Some(dependency), on)
        }
    };
    let directions = [
        ("egress", Direction::Egress),
        ("ingress", Direction::Ingress),
        ("both", Direction::Both),
    ];
    let asked = table.choice("direction", &directions)?;
    let direction = fault.direction(asked.as_ref().map(|found| found.value));
    let direction = direction.map_err(|mistake| match &asked {
        Some(found) => table.error_at(found, mistake),
        None => table.error(mistake),
    })?;
    let duration = lasting(table, "for")?;
    let seed = table.number("seed", "7", parse_seed)?;
    Ok(FaultStep {
        protocol: read_protocol(table, &fault)?,
        seed: seed.map(|found| found.value),
        is_near,
        dependency,
        on,
        fault,
        modifiers,
        direction,
        duration: table.required("for", "\"30s\"", duration)?.value,
    })
}

/// Of which transport protocol, where that is asked for.
fn read_protocol(table: &Table<'_>, fault: &Fault) -> Result<Protocol, ScenarioError> {
    let Some(found) = table.choice("proto", &PROTOCOLS)? else {
        return Ok(Protocol::Any);
    };
    let wrong = match found.value {
        _ if fault.is_on_processes() => "it acts on processes, not on packets",
        Protocol::Udp if fault.limit().is_some() => "it counts TCP connections",
        _ => return Ok(found.value),
    };
    let mistake = Mistake::new(format!("proto: {}: {wrong}", fault.kind()));
    Err(table.error_at(&found, mistake.hint("leave it out")))
}

fn parse_seed(text: &str) -> Result<u64, Mistake> {
    let seed = text.parse();
    seed.map_err(|_| Mistake::new(format!("{text} is no seed")).hint("write a number from 0 on"))
}

/// A fault on processes has no far side, and has to say that the service's are meant.
fn refuse_far_side(table: &Table<'_>, fault: &Fault, is_near: bool) -> Result<(), ScenarioError> {
    let kind = fault.kind();
    if let Some(found) = table.key("on") {
        let mistake = Mistake::new(format!("on: {kind} acts on the service's processes"));
        return Err(table.error_at(&found, mistake.hint("leave \"on\" out")));
    }
    if is_near {
        return Ok(());
    }
    let mistake = Mistake::new(format!(
        "fault \"{kind}\": it acts on the service's processes"
    ));
    Err(table.error(mistake.hint("add near = \"service\"")))
}

/// The dependency that a fault is on, and its name.
fn read_far_side(
    table: &Table<'_>,
    dependencies: &[Dependency],
) -> Result<(usize, String), ScenarioError> {
    let on = table.required("on", "\"NAME OF A DEPENDENCY\"", table.text("on")?)?;
    let Some(dependency) = dependencies.iter().position(|d| d.name == on.value) else {
        let names: Vec<&str> = dependencies.iter().map(|d| d.name.as_str()).collect();
        let mistake = Mistake::new(format!("on: there is no dependency \"{}\"", on.value));
        let mistake = match names.is_empty() {
            true => mistake.hint("add it as a [[dependency]]"),
            false => suggest(mistake, &on.value, &names),
        };
        return Err(table.error_at(&on, mistake));
    };
    refuse_everything(table, &on, &dependencies[dependency])?;
    Ok((dependency, on.value))
}

/// Refuses to fault a dependency that is every host on every port.
fn refuse_everything(
    table: &Table<'_>,
    on: &Found<String>,
    dependency: &Dependency,
) -> Result<(), ScenarioError> {
    let plain = dependency.to.iter().filter(|spec| spec.name().is_none());
    let endpoints: Vec<_> = plain.flat_map(|spec| spec.resolved(&[])).collect();
    if !is_everything(&endpoints) {
        return Ok(());
    }
    let mistake = Mistake::new(format!(
        "on: dependency \"{}\" is everything there is",
        dependency.name
    ));
    Err(table.error_at(
        on,
        mistake.hint("name its hosts, networks or port in \"to\""),
    ))
}

fn read_command(table: &Table<'_>) -> Result<Vec<String>, ScenarioError> {
    const EXAMPLE: &str = "[\"wrk\", \"-d5\", \"http://10.0.0.2:8080/\"]";
    let of_a_fault = keys::of_steps().into_iter();
    for key in of_a_fault.filter(|key| !keys::COMMAND.contains(&&**key)) {
        if let Some(found) = table.key(&key) {
            let mistake =
                Mistake::new(format!("\"{key}\" in {} belongs to a fault", table.title()));
            return Err(table.error_at(
                &found,
                mistake.hint("a command has \"at\" and \"run\" only"),
            ));
        }
    }
    let words = table.texts("run", EXAMPLE)?;
    let words = table.required("run", EXAMPLE, words)?;
    if words.value[0].value.trim().is_empty() {
        let mistake = Mistake::new("run: the command has no name");
        return Err(table.error_at(&words, mistake.hint(format!("write run = {EXAMPLE}"))));
    }
    Ok(words.value.into_iter().map(|word| word.value).collect())
}
