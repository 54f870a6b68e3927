//! The scenario's text. Each step is tried by itself: one that can't be read is left out, and not
//! the whole.

use std::fmt::Write;

use super::LeftOut;
use super::experiment::Experiment;
use super::hypothesis::Steady;
use super::inject::Injection;
use super::method::{Action, Plan, Step};
use crate::mistake::Mistake;
use crate::quantity::{parse_duration, words::typed_duration};
use crate::scenario::{Scenario, written::quoted};

const EXPECT: &str = "\n[expect]\nrecovery = \"<= 10s\"\n";

/// What stands before the steps, and those that can be kept.
pub(super) struct Draft {
    head: String,
    steps: Vec<String>,
}

impl Draft {
    /// Writes what can be.
    pub(super) fn of(
        experiment: &Experiment,
        steady: &Steady,
        plan: &Plan,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<Self, Mistake> {
        let dependencies = Dependencies::of(plan);
        let near = Near::of(plan);
        let mut head = head(experiment);
        head += &near.service(steady, plan)?;
        head += &dependencies.written();
        head += &steady_state(steady);
        let mut steps = Vec::new();
        for step in &plan.steps {
            let text = near
                .refuse(step)
                .and_then(|()| readable(&head, written(step, &dependencies)));
            match text {
                Ok(text) => steps.push(text),
                Err(why) => left_out.push(LeftOut {
                    place: step.place.clone(),
                    why,
                }),
            }
        }
        Ok(Self { head, steps })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The whole of it, with what isn't in it at its head.
    pub(super) fn scenario(&self, left_out: &[LeftOut]) -> String {
        let mut text = String::new();
        for it in left_out {
            let _ = writeln!(text, "# Left out: {}: {}", it.place, it.why);
        }
        text + &self.head + &self.steps.concat() + EXPECT
    }
}

/// A step's text, if a scenario of it alone can be read.
fn readable(head: &str, step: String) -> Result<String, String> {
    let alone = format!("{head}{step}{EXPECT}");
    match Scenario::parse(&alone, "") {
        Ok(_) => Ok(step),
        Err(error) => Err(match error.mistake.hint {
            Some(hint) => format!("{}; {hint}", error.mistake.message),
            None => error.mistake.message,
        }),
    }
}

fn head(experiment: &Experiment) -> String {
    let hypothesis = experiment.hypothesis.as_ref().map(|it| it.title.as_str());
    let told = [hypothesis.unwrap_or_default(), &experiment.description];
    let hypothesis = told.into_iter().find(|it| !it.is_empty());
    let hypothesis = hypothesis.unwrap_or(&experiment.title);
    let (name, hypothesis) = (quoted(&experiment.title), quoted(hypothesis));
    // A method may take its time; one that takes longer is told step by step.
    format!("name = {name}\nhypothesis = {hypothesis}\ntime_box = \"1h\"\n")
}

/// Whose traffic the first fault is on: a scenario has one service.
struct Near<'a> {
    process: Option<&'a String>,
    cgroup: Option<&'a String>,
    netns: Option<&'a String>,
}

impl<'a> Near<'a> {
    fn of(plan: &'a Plan) -> Self {
        let first = |of: fn(&Injection) -> Option<&String>| plan.faults().find_map(of);
        let is_name = |it: &&String| it.parse::<u32>().is_err();
        Self {
            process: plan
                .faults()
                .filter_map(|it| it.process.as_ref())
                .find(is_name),
            cgroup: first(|it| it.cgroup.as_ref()),
            netns: first(|it| it.netns.as_ref()),
        }
    }

    /// The system under test: whose port the hypothesis asks, or whose traffic the faults are on.
    fn service(&self, steady: &Steady, plan: &Plan) -> Result<String, Mistake> {
        let listen = steady.listen.map(|it| format!("listen = {it}\n"));
        let key =
            |key: &str, value: Option<&String>| value.map(|it| format!("{key} = {}\n", quoted(it)));
        let keys = [
            listen,
            key("process", self.process),
            key("cgroup", self.cgroup),
            key("netns", self.netns),
        ];
        let text: String = keys.into_iter().flatten().collect();
        match text.is_empty() && !plan.steps.is_empty() {
            true => Err(Mistake::new("nothing says which service it is about").hint(
                "ask it in the hypothesis, with an http probe, or aim a fault by --process, --cgroup or --netns",
            )),
            false => Ok(format!("\n[service]\n{text}")),
        }
    }

    /// Refuses a fault on what isn't the service's: it would be somebody else's here.
    fn refuse(&self, step: &Step) -> Result<(), String> {
        let Action::Fault(fault) = &step.action else {
            return Ok(());
        };
        if fault
            .process
            .as_ref()
            .is_some_and(|it| it.parse::<u32>().is_ok())
        {
            return Err("a process id names no process of another day: give its name".to_owned());
        }
        let is_other = |own: &Option<String>, service: Option<&String>| {
            own.is_some() && own.as_ref() != service
        };
        let other = [
            ("--process", is_other(&fault.process, self.process)),
            ("--cgroup", is_other(&fault.cgroup, self.cgroup)),
            ("--netns", fault.netns.as_ref() != self.netns),
        ];
        match other.iter().find(|it| it.1) {
            Some((option, _)) => Err(format!(
                "its {option} is not that of the others, and a scenario has one service"
            )),
            None => Ok(()),
        }
    }
}

/// Far sides of faults, each once, with a name.
struct Dependencies(Vec<(String, Vec<String>)>);

impl Dependencies {
    fn of(plan: &Plan) -> Self {
        let mut all: Vec<(String, Vec<String>)> = Vec::new();
        for fault in plan.faults().filter(|it| !it.to.is_empty()) {
            // Of two that overlap the later one's step is left out: it names none of them.
            let is_new = |it: &(String, Vec<String>)| it.1.iter().all(|to| !fault.to.contains(to));
            if all.iter().all(is_new) {
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
        let url: String = url.chars().filter(|it| !it.is_control()).collect();
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

fn written(step: &Step, dependencies: &Dependencies) -> String {
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
            if fault.process.is_some() || fault.cgroup.is_some() {
                text += "near = \"service\"\n";
            }
        }
    }
    text
}

impl Plan {
    fn faults(&self) -> impl Iterator<Item = &Injection> {
        self.steps.iter().filter_map(|it| match &it.action {
            Action::Fault(fault) => Some(fault),
            Action::Run(_) => None,
        })
    }
}
