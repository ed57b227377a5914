//! What was found: a line for each check.

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
    /// It could not be made, or was not asked for.
    Skip,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// The findings, in order.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, State::Ok, found, None);
    }

    pub(super) fn skip(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, State::Skip, found, None);
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(check, State::Warn, found, Some(fix.into()));
    }

    pub(super) fn fail(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(check, State::Fail, found, Some(fix.into()));
    }

    /// What servers and tokens say may hold control characters, and a terminal obeys those.
    fn add(
        &mut self,
        check: &'static str,
        state: State,
        found: impl Into<String>,
        fix: Option<String>,
    ) {
        let plain = |text: String| -> String {
            let shown = |c: char| if c.is_control() { ' ' } else { c };
            text.chars().take(600).map(shown).collect()
        };
        let (found, fix) = (plain(found.into()), fix.map(plain));
        self.findings.push(Finding { check, state, found, fix });
    }

    /// Whether nothing failed.
    pub(super) fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Fail)
    }

    /// `ok    check: what was found`, and what to do on a line of its own.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let state = match finding.state {
                State::Ok => "ok  ",
                State::Warn => "warn",
                State::Fail => "FAIL",
                State::Skip => "skip",
            };
            lines.push(format!("{state}  {}: {}", finding.check, finding.found));
            lines.extend(finding.fix.iter().map(|fix| format!("      -> {fix}")));
        }
        let count = |state| self.findings.iter().filter(|f| f.state == state).count();
        let (fails, warns) = (count(State::Fail), count(State::Warn));
        lines.push(format!("{} checks, {fails} failed, {warns} warnings", self.findings.len()));
        lines.join("\n")
    }

    pub(super) fn json(&self) -> String {
        serde_json::json!({"ok": self.is_good(), "checks": self.findings}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_each_with_what_to_do_and_nothing_that_a_terminal_obeys() {
        let mut report = Report::default();
        report.ok("clock", "in step");
        report.warn("secret", "white\u{1b}[31m space", "take it away");
        assert!(report.is_good());
        report.fail("endpoint", "x".repeat(1000), "start it");
        assert!(!report.is_good());
        let text = report.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ok    clock: in step");
        assert_eq!(lines[1], "warn  secret: white [31m space");
        assert_eq!(lines[2], "      -> take it away");
        assert_eq!(lines[3].len(), "FAIL  endpoint: ".len() + 600);
        assert_eq!(lines[5], "3 checks, 1 failed, 1 warnings");
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((&json["ok"], &json["checks"][1]["state"]), (&false.into(), &"warn".into()));
    }
}
