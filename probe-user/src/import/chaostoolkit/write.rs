//! The scenario's text.

use std::fmt::Write;

use super::LeftOut;
use super::experiment::Experiment;
use super::hypothesis::Steady;
use super::inject::Injection;
use super::method::{Action, Plan, Step};
use crate::mistake::Mistake;
use crate::quantity::{parse_duration, words::typed_duration};
use crate::scenario::{Scenario, written::quoted};

/// Writes it, and makes sure that it can be read.
pub(super) fn scenario(
    experiment: &Experiment,
    steady: &Steady,
    plan: &Plan,
    left_out: &mut Vec<LeftOut>,
) -> Result<String, Mistake> {
    let dependencies = Dependencies::of(plan);
    let mut text = head(experiment);
    text += &service(steady, plan)?;
    text += &dependencies.written();
    text += &steady_state(steady);
    for step in &plan.steps {
        text += &written(step, &dependencies, left_out);
    }
    text += "\n[expect]\nrecovery = \"<= 10s\"\n";
    let comments = left_out.iter().fold(String::new(), |mut text, it| {
        let _ = writeln!(text, "# Left out: {}: {}", it.place, it.why);
        text
    });
    let text = comments + &text;
    match Scenario::parse(&text, "the scenario") {
        Ok(_) => Ok(text),
        Err(error) => Err(Mistake::new(format!(
            "what it comes to is no scenario: {error}"
        ))),
    }
}

fn head(experiment: &Experiment) -> String {
    let hypothesis = experiment.hypothesis.as_ref().map(|it| it.title.as_str());
    let told = [hypothesis.unwrap_or_default(), &experiment.description];
    let hypothesis = told.into_iter().find(|it| !it.is_empty());
    let hypothesis = hypothesis.unwrap_or(&experiment.title);
    let (name, hypothesis) = (quoted(&experiment.title), quoted(hypothesis));
    format!("name = {name}\nhypothesis = {hypothesis}\n")
}

/// The system under test: whose port the hypothesis asks, or whose traffic the faults are on.
fn service(steady: &Steady, plan: &Plan) -> Result<String, Mistake> {
    let faults = || plan.faults();
    let first = |of: fn(&Injection) -> Option<&String>| faults().find_map(of);
    let listen = steady.listen.map(|it| format!("listen = {it}\n"));
    let key =
        |key: &str, value: Option<&String>| value.map(|it| format!("{key} = {}\n", quoted(it)));
    let process = first(|it| it.process.as_ref()).filter(|it| it.parse::<u32>().is_err());
    let keys = [
        listen,
        key("process", process),
        key("cgroup", first(|it| it.cgroup.as_ref())),
        key("netns", first(|it| it.netns.as_ref())),
    ];
    let text: String = keys.into_iter().flatten().collect();
    match text.is_empty() {
        true => Err(Mistake::new("nothing says which service it is about").hint(
            "ask it in the hypothesis, with an http probe, or aim a fault by --process, --cgroup or --netns",
        )),
        false => Ok(format!("\n[service]\n{text}")),
    }
}

/// Far sides of faults, each once, with a name.
struct Dependencies(Vec<(String, Vec<String>)>);

impl Dependencies {
    fn of(plan: &Plan) -> Self {
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for fault in plan.faults().filter(|it| !it.to.is_empty()) {
            if all.iter().all(|it| it.1 != fault.to) {
                all.push((fault.to[0].clone(), fault.to.clone()));
            }
        }
        Self(all)
    }

    fn name_of(&self, to: &[String]) -> Option<&str> {
        let found = self.0.iter().find(|it| it.1 == to);
        found.map(|it| it.0.as_str())
    }

    fn written(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, to)| {
            let to: Vec<_> = to.iter().map(|it| quoted(it)).collect();
            let (name, to) = (quoted(name), to.join(", "));
            let _ = write!(text, "\n[[dependency]]\nname = {name}\nto = [{to}]\n");
            text
        })
    }
}

fn steady_state(steady: &Steady) -> String {
    let mut text = "\n[steady_state]\n".to_owned();
    if let Some(url) = &steady.url {
        let _ = writeln!(
            text,
            "# Somebody has to call {url} while it runs, as customers do: probe calls nobody."
        );
    }
    text += "for = \"10s\"\nsuccess_rate = \">= 99%\"\n";
    if let Some(timeout) = steady.timeout {
        let _ = writeln!(text, "p99 = \"<= {}\"", typed_duration(timeout));
    }
    text
}

fn written(step: &Step, dependencies: &Dependencies, left_out: &mut Vec<LeftOut>) -> String {
    let mut text = "\n[[step]]".to_owned();
    if !step.name.is_empty() {
        let name: String = step.name.chars().filter(|it| !it.is_control()).collect();
        let _ = write!(text, "                         # {name}");
    }
    let _ = writeln!(text, "\nat = \"{}\"", typed_duration(step.at));
    match &step.action {
        Action::Run(words) => {
            let words: Vec<_> = words.iter().map(|it| quoted(it)).collect();
            let _ = writeln!(text, "run = [{}]", words.join(", "));
        }
        Action::Fault(fault) => {
            let lasts = parse_duration(&fault.lasts).unwrap_or_default();
            let _ = writeln!(text, "for = \"{}\"", typed_duration(lasts));
            if let Some(name) = dependencies.name_of(&fault.to) {
                let _ = writeln!(text, "on = {}", quoted(name));
            }
            let _ = writeln!(text, "fault = {}", quoted(&fault.kind));
            for line in fault.lines() {
                let _ = writeln!(text, "{line}");
            }
            text += &near(fault, step, left_out);
        }
    }
    text
}

/// A fault on a process's own packets is one near the service.
fn near(fault: &Injection, step: &Step, left_out: &mut Vec<LeftOut>) -> String {
    let is_number = |it: &String| it.parse::<u32>().is_ok();
    if fault.process.as_ref().is_some_and(is_number) {
        let why = "--process with a number names no process of another day: the fault is on \
                   everybody's packets; give its name";
        left_out.push(LeftOut {
            place: step.place.clone(),
            why: why.to_owned(),
        });
        return String::new();
    }
    let is_near = fault.process.is_some() || fault.cgroup.is_some();
    match is_near && !fault.to.is_empty() {
        true => "near = \"service\"\n".to_owned(),
        false => String::new(),
    }
}

impl Plan {
    fn faults(&self) -> impl Iterator<Item = &Injection> {
        self.steps.iter().filter_map(|it| match &it.action {
            Action::Fault(fault) => Some(fault),
            Action::Run(_) => None,
        })
    }
}
