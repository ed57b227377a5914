//! The configuration as it took effect, for `check-config`.

use super::Config;
use super::table::{Section, Shown, TABLE, Variable};

/// What stands in place of a secret.
const HIDDEN: &str = "******";

/// One variable and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The variable.
    pub variable: &'static Variable,
    /// Its value, `******` for a secret, `None` if it is absent and has no default.
    pub value: Option<String>,
}

impl Config {
    /// Every variable with a value of its own, in the order of the table. Variables that only
    /// stand in for others (`AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL`) show in those.
    pub fn rows(&self) -> Vec<Row> {
        let row = |variable: &&'static Variable| {
            let value = match variable.shown(self) {
                Shown::Elsewhere => return None,
                Shown::Absent => None,
                Shown::Secret => Some(HIDDEN.to_owned()),
                Shown::Text(text) => Some(text),
            };
            Some(Row { variable, value })
        };
        TABLE.iter().filter_map(row).collect()
    }

    /// `NAME=value` lines under a heading per section; absent variables as a comment that says
    /// what their absence means.
    pub fn effective(&self) -> String {
        let rows = self.rows();
        let mut text = String::new();
        for section in Section::ALL {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("# {}\n", section.title()));
            for row in rows.iter().filter(|row| row.variable.section() == *section) {
                let name = row.variable.name();
                text.push_str(&match &row.value {
                    Some(value) => format!("{name}={value}\n"),
                    None => format!("# {name}: {}\n", row.variable.absence()),
                });
            }
        }
        text
    }
}
