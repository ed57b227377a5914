//! What is wrong with a configuration, and what merely looks odd.

use std::borrow::Cow;
use std::fmt;

/// One mistake that keeps the server from starting.
///
/// The message says what is wrong, what is allowed and what to do. It quotes no value that could
/// be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable to change.
    pub variable: Cow<'static, str>,
    /// What is wrong, what is allowed, what to do.
    pub message: String,
}

/// Something legal that an operator probably did not mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The variable to look at.
    pub variable: Cow<'static, str>,
    /// What follows from it, and what to do.
    pub message: String,
}

/// Every mistake of a configuration; never empty when it is returned as an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The problems, in the order of the table, unknown variables first.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// `NAME: message` on one line, whatever characters the name of an unknown variable has.
fn line(f: &mut fmt::Formatter<'_>, variable: &str, message: &str) -> fmt::Result {
    write!(f, "{}: {message}", variable.escape_debug())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, &self.variable, &self.message)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, &self.variable, &self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_problem() {
        let problem = |variable: &'static str, message: &str| Problem {
            variable: variable.into(),
            message: message.to_owned(),
        };
        let problems = Problems::new(vec![problem("A", "is bad"), problem("B\nC", "is worse")]);
        assert_eq!(problems.to_string(), "A: is bad\nB\\nC: is worse");
    }
}
