//! The fault that a person thinks of: what it is filled in with, and the words that `probe inject`
//! takes for it. Whether they make sense is for `probe inject` to say.

use super::message::Edit;
use crate::fault::{Argument, KINDS, Modifiers};
use crate::snapshot::DependencyView;

/// Whose traffic a fault can be for.
const WHOSE: [&str; 2] = ["this process alone", "every caller in its namespace"];
/// Which way packets can go.
const WAYS: [&str; 4] = ["as usual", "egress", "ingress", "both"];
/// For how long, unless somebody says otherwise.
const USUAL_LENGTH: &str = "30s";
/// How long the answer stands, without Enter, before it can be armed, in milliseconds: longer than
/// a key that is held down takes to come again (660 ms at most where nobody set it otherwise).
const LOOKED_MS: u64 = 800;
/// The longest text of a field.
const LONGEST: usize = 64;

/// A form about one dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// "shop → payments".
    pub on: String,
    pid: u32,
    remotes: Vec<String>,
    /// Its fields, from top to bottom.
    pub fields: Vec<Field>,
    /// The one that is being filled in.
    pub at: usize,
    /// The question that was asked about it as it stands.
    pub asked: Option<u32>,
    /// Since when the whole answer has been on the screen, by the pictures' time.
    pub seen_ms: Option<u64>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is called.
    pub label: &'static str,
    /// What it is about.
    pub help: String,
    /// What it is filled in with.
    pub value: Value,
    role: Role,
}

/// What a field is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One of some.
    Choice(&'static [&'static str], usize),
    /// The name of a kind of fault.
    Kind(usize),
    /// A text.
    Text(String),
}

/// What becomes of it in the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Kind,
    Amount,
    Option,
    Length,
    Whose,
    Way,
}

impl Value {
    /// As it is shown.
    pub fn text(&self) -> &str {
        match self {
            Self::Choice(all, at) => all[*at],
            Self::Kind(at) => KINDS[*at].name,
            Self::Text(text) => text,
        }
    }

    /// Whether it is chosen rather than written.
    pub fn is_choice(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

impl Form {
    /// Whether the answer has been on the screen for long enough to be read, and Enter was not
    /// pressed meanwhile: a key that is held down, or pressed in impatience, arms nothing.
    pub fn may_arm(&self, now_ms: u64) -> bool {
        self.seen_ms.is_some_and(|it| now_ms >= it + LOOKED_MS)
    }

    /// An empty one, or why there can be none.
    pub fn on(dependency: &DependencyView) -> Result<Self, &'static str> {
        if dependency.pid == 0 {
            return Err("who calls this dependency isn't known, so there is nobody to aim at");
        }
        let mut form = Self {
            on: format!("{} → {}", dependency.service, dependency.name),
            pid: dependency.pid,
            remotes: dependency.remotes.clone(),
            fields: Vec::new(),
            at: 0,
            asked: None,
            seen_ms: None,
        };
        form.choose_kind(0);
        Ok(form)
    }

    /// Makes the fields of a kind of fault; what was filled in elsewhere stays where it fits.
    fn choose_kind(&mut self, kind: usize) {
        let before = std::mem::take(&mut self.fields);
        let about = &KINDS[kind];
        self.fields.push(Field {
            label: "fault",
            help: about.summary.to_owned(),
            value: Value::Kind(kind),
            role: Role::Kind,
        });
        self.fields.extend(about.arguments.iter().map(of_argument));
        self.fields.push(Field {
            label: "for",
            help: "how long, at most 1h".to_owned(),
            value: Value::Text(USUAL_LENGTH.to_owned()),
            role: Role::Length,
        });
        if !about.is_on_processes() {
            let choice = |label, help: &str, all, role| Field {
                label,
                help: help.to_owned(),
                value: Value::Choice(all, 0),
                role,
            };
            self.fields
                .push(choice("whose", "whose traffic", &WHOSE, Role::Whose));
            self.fields.push(choice(
                "direction",
                "seen from the caller",
                &WAYS,
                Role::Way,
            ));
            let modifiers = Modifiers::ARGUMENTS.iter().map(of_argument);
            self.fields.extend(modifiers);
        }
        for field in self.fields.iter_mut().skip(1) {
            let same = |it: &&Field| it.label == field.label && it.role != Role::Amount;
            if let Some(known) = before.iter().find(same) {
                field.value.clone_from(&known.value);
            }
        }
    }

    /// Takes in a key.
    pub fn edit(&mut self, edit: Edit) {
        let last = self.fields.len() - 1;
        match edit {
            Edit::Previous => self.at = self.at.checked_sub(1).unwrap_or(last),
            Edit::Next => self.at = if self.at == last { 0 } else { self.at + 1 },
            Edit::Left => self.turn(|at, count| (at + count - 1) % count),
            Edit::Right | Edit::Type(' ') => self.turn(|at, count| (at + 1) % count),
            Edit::Type(typed) => match &mut self.fields[self.at].value {
                Value::Text(text) if text.chars().count() < LONGEST => text.push(typed),
                Value::Kind(_) => self.jump_to_kind(typed),
                _ => {}
            },
            Edit::Erase => {
                if let Value::Text(text) = &mut self.fields[self.at].value {
                    text.pop();
                }
            }
            Edit::Clear => {
                if let Value::Text(text) = &mut self.fields[self.at].value {
                    text.clear();
                }
            }
            Edit::Done | Edit::Cancel => {}
        }
    }

    fn turn(&mut self, to: impl Fn(usize, usize) -> usize) {
        match &mut self.fields[self.at].value {
            Value::Kind(at) => {
                let kind = to(*at, KINDS.len());
                self.choose_kind(kind);
            }
            Value::Choice(all, at) => *at = to(*at, all.len()),
            Value::Text(_) => {}
        }
    }

    /// The next kind of fault whose name begins with a letter.
    fn jump_to_kind(&mut self, letter: char) {
        let Value::Kind(at) = self.fields[0].value else {
            return;
        };
        let after = (1..=KINDS.len()).map(|n| (at + n) % KINDS.len());
        let mut fitting = after.filter(|kind| KINDS[*kind].name.starts_with(letter));
        if let Some(kind) = fitting.next() {
            self.choose_kind(kind);
        }
    }

    /// What `probe inject` takes for it.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut is_near = false;
        let mut has_far = false;
        for field in &self.fields {
            let text = field.value.text().trim();
            match field.role {
                Role::Kind => words.push(text.to_owned()),
                Role::Amount if !text.is_empty() => words.push(text.to_owned()),
                Role::Option | Role::Length if !text.is_empty() => {
                    words.extend([format!("--{}", field.label), text.to_owned()]);
                }
                Role::Whose => {
                    has_far = true;
                    is_near = text == WHOSE[0];
                }
                Role::Way if text != WAYS[0] => {
                    words.extend(["--direction".to_owned(), text.to_owned()]);
                }
                _ => {}
            }
        }
        if has_far {
            for remote in &self.remotes {
                words.extend(["--to".to_owned(), remote.clone()]);
            }
        }
        if is_near || !has_far {
            words.extend(["--process".to_owned(), self.pid.to_string()]);
        }
        words.extend(["--netns".to_owned(), format!("pid:{}", self.pid)]);
        words
    }
}

fn of_argument(argument: &Argument) -> Field {
    let help = match argument.help {
        "" => format!("{}, as {}", argument.value, argument.example),
        help => format!("{help}; as {}", argument.example),
    };
    let (role, text) = match argument.is_amount {
        true => (Role::Amount, argument.example.to_owned()),
        false => (Role::Option, String::new()),
    };
    Field {
        label: argument.name,
        help,
        value: Value::Text(text),
        role,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form::on(&DependencyView {
            service: "shop".into(),
            name: "payments".into(),
            pid: 41,
            remotes: vec!["10.0.0.7:80".into(), "[fd00::7]:80".into()],
            ..DependencyView::default()
        })
        .unwrap()
    }

    fn choose(form: &mut Form, kind: &str) {
        let at = KINDS.iter().position(|it| it.name == kind).unwrap();
        form.choose_kind(at);
    }

    #[test]
    fn its_words_are_what_inject_takes() {
        let mut form = form();
        choose(&mut form, "loss");
        let words = form.words().join(" ");
        assert_eq!(
            words,
            "loss 10% --for 30s --to 10.0.0.7:80 --to [fd00::7]:80 --process 41 --netns pid:41"
        );
    }

    #[test]
    fn processes_are_aimed_at_by_themselves() {
        let mut form = form();
        choose(&mut form, "pause");
        assert_eq!(
            form.words().join(" "),
            "pause --for 30s --process 41 --netns pid:41"
        );
    }

    #[test]
    fn what_fits_another_kind_stays() {
        let mut form = form();
        let at = form.fields.iter().position(|it| it.label == "for").unwrap();
        form.at = at;
        form.edit(Edit::Clear);
        "5s".chars().for_each(|it| form.edit(Edit::Type(it)));
        form.at = 0;
        form.edit(Edit::Type('b'));
        assert_eq!(form.fields[0].value.text(), "blackhole");
        assert!(form.words().join(" ").contains("--for 5s"));
    }

    #[test]
    fn nobody_is_aimed_at_who_is_not_known() {
        assert!(Form::on(&DependencyView::default()).is_err());
    }
}
