//! Reads variables of the table and collects everything that is wrong with them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use secrecy::SecretString;

use super::keys::TokenKeys;
use super::problem::{Problem, Problems, Warning};
use super::secret::{check_secret, secret_warning};
use super::table::Variable;

/// The variables of one run and the findings so far.
///
/// Every method takes a [`Variable`], and only the table has those, so a variable that is not
/// documented cannot be read.
pub(super) struct Reader {
    vars: BTreeMap<String, String>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Reader {
    pub(super) fn new<I>(vars: I, problems: Vec<Problem>) -> Self
    where
        I: IntoIterator<Item = (String, String)>,
    {
        Self { vars: vars.into_iter().collect(), problems, warnings: Vec::new() }
    }

    /// The value, unless a problem was found: then the problems.
    pub(super) fn finish<T>(self, value: T) -> Result<(T, Vec<Warning>), Problems> {
        if self.problems.is_empty() {
            Ok((value, self.warnings))
        } else {
            Err(Problems::new(self.problems))
        }
    }

    /// The names of all variables, known or not.
    pub(super) fn names(&self) -> Vec<String> {
        self.vars.keys().cloned().collect()
    }

    pub(super) fn problem(&mut self, variable: &Variable, message: impl Into<String>) {
        let (variable, message) = (variable.name().into(), message.into());
        self.problems.push(Problem { variable, message });
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn warn(&mut self, variable: &Variable, message: impl Into<String>) {
        let (variable, message) = (variable.name().into(), message.into());
        self.warnings.push(Warning { variable, message });
    }

    /// Whether the variable already has a problem: then rules about its value say nothing more.
    pub(super) fn has_problem(&self, variable: &Variable) -> bool {
        self.problems.iter().any(|p| p.variable == variable.name())
    }

    /// Whether the variable has a value; an empty one is absent.
    pub(super) fn is_set(&self, variable: &Variable) -> bool {
        self.set(variable).is_some()
    }

    /// What was set, without the blanks around it; those of a secret are part of it.
    fn set(&self, variable: &Variable) -> Option<&str> {
        let text = self.vars.get(variable.name())?;
        let text = if variable.is_secret() { text } else { text.trim() };
        (!text.is_empty()).then_some(text)
    }

    /// The value that was set, or else the default of the table, parsed.
    ///
    /// `None` means that there is neither, or that there is a problem: the caller then fills in
    /// anything, for a configuration with a problem is never handed out.
    pub(super) fn parsed<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.set(variable).or(variable.default_value())?;
        let parsed = if text.chars().any(char::is_control) {
            Err("has a line break or another control character; remove it".to_owned())
        } else {
            parse(text)
        };
        parsed.map_err(|message| self.problem(variable, message)).ok()
    }

    /// Free text.
    pub(super) fn text(&mut self, variable: &Variable) -> Option<String> {
        self.parsed(variable, |text| Ok(text.to_owned()))
    }

    /// A switch.
    pub(super) fn flag(&mut self, variable: &Variable) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("is not a switch; use true or false (or 1/0, yes/no, on/off)".to_owned()),
        };
        self.parsed(variable, parse).unwrap_or_default()
    }

    /// A whole number within a range.
    pub(super) fn number(
        &mut self,
        variable: &Variable,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        self.parsed(variable, |text| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse().ok().filter(|n| digits && range.contains(n));
            number.ok_or_else(|| {
                let (low, high) = (range.start(), range.end());
                format!("must be a whole number from {low} to {high}, in plain digits")
            })
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        variable: &Variable,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        self.parsed(variable, |text| {
            let found = all.iter().copied().find(|choice| name(*choice) == text);
            found.ok_or_else(|| {
                let names: Vec<_> = all.iter().map(|choice| name(*choice)).collect();
                format!("must be one of: {}", names.join(", "))
            })
        })
    }

    /// A comma-separated list. Every bad entry is a problem, named by its position: an entry could
    /// hold a password, so it is not quoted here.
    pub(super) fn list<T>(
        &mut self,
        variable: &Variable,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let split = |text: &str| -> Result<Vec<String>, String> {
            let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            let entries: Vec<String> = entries.map(str::to_owned).collect();
            if entries.is_empty() {
                return Err("has no entry; give a comma-separated list, or unset it".to_owned());
            }
            Ok(entries)
        };
        let entries = self.parsed(variable, split)?;
        let mut parsed = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match parse(entry) {
                Ok(value) => parsed.push(value),
                Err(message) => self.problem(variable, format!("entry {} {message}", index + 1)),
            }
        }
        (parsed.len() == entries.len()).then_some(parsed)
    }

    /// A key: checked, never trimmed.
    pub(super) fn key(&mut self, variable: &Variable) -> Option<SecretString> {
        let key = self.opaque(variable)?;
        if let Err(problem) = check_secret(variable.name(), &key) {
            self.add(problem);
            return None;
        }
        self.warnings.extend(secret_warning(variable.name(), &key));
        Some(SecretString::from(key))
    }

    /// One or several keys of enhanced tokens; a single one goes under `kid`.
    pub(super) fn token_keys(&mut self, variable: &Variable, kid: &str) -> Option<TokenKeys> {
        let text = self.opaque(variable)?;
        let keys = TokenKeys::parse(variable.name(), kid, &text);
        let keys = keys.map_err(|problem| self.add(problem)).ok()?;
        self.warnings.extend(keys.warnings(variable.name()));
        Some(keys)
    }

    /// A secret that is not a key, as it was set.
    pub(super) fn opaque(&self, variable: &Variable) -> Option<String> {
        self.set(variable).map(str::to_owned)
    }
}
