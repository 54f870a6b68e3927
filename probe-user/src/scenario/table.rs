//! One table of a scenario: every key known, every value of its type, each mistake on its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ScenarioError, Source};
use super::nearest::suggest;
use crate::mistake::Mistake;

/// A table, what it is called, and where it begins.
pub(super) struct Table<'a> {
    source: Source<'a>,
    title: String,
    at: usize,
    entries: &'a DeTable<'a>,
}

/// A value and where it is.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

impl<'a> Table<'a> {
    /// The document itself.
    pub(super) fn document(source: Source<'a>, entries: &'a DeTable<'a>) -> Self {
        Self {
            source,
            title: "the scenario".to_owned(),
            at: 0,
            entries,
        }
    }

    /// Refuses keys that aren't `known`.
    pub(super) fn allow(&self, known: &[&str]) -> Result<(), ScenarioError> {
        let mut keys: Vec<(usize, &str)> = self
            .entries
            .keys()
            .map(|key| (key.span().start, key.get_ref().as_ref()))
            .filter(|(_, key)| !known.contains(key))
            .collect();
        keys.sort_unstable();
        let Some(&(at, key)) = keys.first() else {
            return Ok(());
        };
        let title = &self.title;
        let mistake = Mistake::new(format!("unknown key \"{key}\" in {title}"));
        Err(self.source.error(at, suggest(mistake, key, known)))
    }

    /// A mistake about the table as a whole.
    pub(super) fn error(&self, mistake: Mistake) -> ScenarioError {
        self.source.error(self.at, mistake)
    }

    /// A mistake about something in it.
    pub(super) fn error_at<T>(&self, found: &Found<T>, mistake: Mistake) -> ScenarioError {
        self.source.error(found.at, mistake)
    }

    /// What the table is called in messages: `[service]`, `[[step]] 2`.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The line it begins on.
    pub(super) fn line(&self) -> usize {
        self.source.line(self.at)
    }

    /// Whether the key is there, and where.
    pub(super) fn key(&self, key: &str) -> Option<Found<()>> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(Found {
            value: (),
            at: key.span().start,
        })
    }

    /// What `wanted` returns, or a mistake that says the key is missing.
    pub(super) fn required<T>(
        &self,
        key: &str,
        example: &str,
        found: Option<Found<T>>,
    ) -> Result<Found<T>, ScenarioError> {
        found.ok_or_else(|| {
            self.error(
                Mistake::new(format!("\"{key}\" is missing in {}", self.title))
                    .hint(format!("write {key} = {example}")),
            )
        })
    }

    /// A text that isn't empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<Found<String>>, ScenarioError> {
        self.value(key, "a text", |value| match value {
            DeValue::String(text) => Some(non_empty(text)),
            _ => None,
        })
    }

    /// A text or a whole number, as text.
    pub(super) fn word(&self, key: &str) -> Result<Option<Found<String>>, ScenarioError> {
        self.value(key, "a text", |value| match value {
            DeValue::String(text) => Some(non_empty(text)),
            DeValue::Integer(number) => Some(Ok(number.to_string())),
            _ => None,
        })
    }

    /// A port.
    pub(super) fn port(&self, key: &str) -> Result<Option<Found<u16>>, ScenarioError> {
        self.value(key, "a port, as 8080", |value| match value {
            DeValue::Integer(number) => Some(
                u16::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| {
                        Mistake::new(format!("{number} is no port"))
                            .hint("ports go from 1 to 65535")
                    }),
            ),
            _ => None,
        })
    }

    /// A quantity, written as text. A bare number is refused for its unit, not for its type.
    pub(super) fn quantity<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<Found<T>>, ScenarioError> {
        let quoted = |mut mistake: Mistake| {
            mistake.hint = mistake.hint.map(|hint| format!("{hint}, in quotes"));
            mistake
        };
        self.value(key, "a text, as \"5s\" or \"10%\"", |value| match value {
            DeValue::String(text) => Some(read(text)),
            DeValue::Integer(number) => Some(read(&number.to_string()).map_err(quoted)),
            DeValue::Float(number) => Some(read(&number.to_string()).map_err(quoted)),
            _ => None,
        })
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str) -> Result<Option<Found<bool>>, ScenarioError> {
        self.value(key, "true or false", |value| match value {
            DeValue::Boolean(flag) => Some(Ok(*flag)),
            _ => None,
        })
    }

    /// A bare number.
    pub(super) fn number<T>(
        &self,
        key: &str,
        example: &str,
        read: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<Found<T>>, ScenarioError> {
        self.value(
            key,
            &format!("a number, as {example}"),
            |value| match value {
                DeValue::Integer(number) => Some(read(&number.to_string())),
                _ => None,
            },
        )
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<Found<T>>, ScenarioError> {
        self.value(key, "a text", |value| match value {
            DeValue::String(text) => Some(
                choices
                    .iter()
                    .find(|(word, _)| word == text)
                    .map(|(_, choice)| *choice)
                    .ok_or_else(|| {
                        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                        suggest(Mistake::new(format!("unknown \"{text}\"")), text, &words)
                    }),
            ),
            _ => None,
        })
    }

    /// A list of texts, not empty.
    pub(super) fn texts(
        &self,
        key: &str,
        example: &str,
    ) -> Result<Option<Found<Vec<Found<String>>>>, ScenarioError> {
        let wanted = format!("a list of texts, as {example}");
        let Some(list) = self.entries.get(key) else {
            return Ok(None);
        };
        let wrong = |value: &Spanned<DeValue<'_>>| self.wrong_type(key, &wanted, value);
        let DeValue::Array(items) = list.get_ref() else {
            return Err(wrong(list));
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            let DeValue::String(text) = item.get_ref() else {
                return Err(wrong(item));
            };
            texts.push(Found {
                value: text.clone().into_owned(),
                at: item.span().start,
            });
        }
        let found = Found {
            value: texts,
            at: list.span().start,
        };
        if found.value.is_empty() {
            let mistake = Mistake::new(format!("\"{key}\" in {} is empty", self.title));
            return Err(self.error_at(&found, mistake.hint(format!("write {key} = {example}"))));
        }
        Ok(Some(found))
    }

    /// A table in it.
    pub(super) fn table(&self, key: &str) -> Result<Option<Table<'a>>, ScenarioError> {
        let Some((name, value)) = self.entries.get_key_value(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::Table(entries) => Ok(Some(Table {
                source: self.source,
                title: format!("[{key}]"),
                at: name.span().start,
                entries,
            })),
            _ => Err(self.wrong_type(key, &format!("a table, [{key}]"), value)),
        }
    }

    /// The tables of a list in it; none where the key isn't there.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Table<'a>>, ScenarioError> {
        let Some(list) = self.entries.get(key) else {
            return Ok(Vec::new());
        };
        let wanted = format!("a list of tables, each under [[{key}]]");
        let DeValue::Array(items) = list.get_ref() else {
            let at = self.key(key).map_or(list.span().start, |found| found.at);
            return Err(self.source.error(at, self.not_a(key, &wanted, list)));
        };
        let table = |(n, item): (usize, &'a Spanned<DeValue<'a>>)| match item.get_ref() {
            DeValue::Table(entries) => Ok(Table {
                source: self.source,
                title: format!("[[{}]] {}", self.path_of(key), n + 1),
                at: item.span().start,
                entries,
            }),
            _ => Err(self.wrong_type(key, &wanted, item)),
        };
        items.iter().enumerate().map(table).collect()
    }

    /// A key as its section's heading has it: "pattern" in [expect] is "expect.pattern".
    fn path_of(&self, key: &str) -> String {
        let section = self.title.strip_prefix('[');
        let section = section.and_then(|it| it.strip_suffix(']'));
        section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}"))
    }

    /// Reads a value; `read` returns `None` where it isn't of the type that is `wanted`.
    fn value<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&DeValue<'_>) -> Option<Result<T, Mistake>>,
    ) -> Result<Option<Found<T>>, ScenarioError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let at = value.span().start;
        match read(value.get_ref()) {
            Some(Ok(value)) => Ok(Some(Found { value, at })),
            Some(Err(mistake)) => {
                let message = format!("{key}: {}", mistake.message);
                Err(self.source.error(at, Mistake { message, ..mistake }))
            }
            None => Err(self.wrong_type(key, wanted, value)),
        }
    }

    fn wrong_type(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> ScenarioError {
        self.source
            .error(value.span().start, self.not_a(key, wanted, value))
    }

    fn not_a(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Mistake {
        let is = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        Mistake::new(format!("\"{key}\" in {} is {is}", self.title))
            .hint(format!("it has to be {wanted}"))
    }
}

fn non_empty(text: &str) -> Result<String, Mistake> {
    match text.trim() {
        "" => Err(Mistake::new("is empty")),
        text => Ok(text.to_owned()),
    }
}
