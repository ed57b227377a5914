//! The line in the log that every change by an administrator has.

use super::{Cx, RuntimeContext};
use crate::error::{Code, ToolError};

/// Characters of a name that are logged.
const LONGEST: usize = 64;

impl Cx {
    /// Makes a change that only administrators may make, and logs who made it, by which tool, whom or
    /// what it `affects`, and what came of it; also where the client does not wait for that.
    ///
    /// # Errors
    /// The change's own.
    pub async fn administer<T>(
        &self,
        tool: &'static str,
        affects: &str,
        change: impl Future<Output = Result<T, ToolError>>,
    ) -> Result<T, ToolError> {
        let affects = affects.chars().take(LONGEST).collect();
        let context = &self.context;
        let mut line = Line { context, tool, affects, outcome: "cancelled", code: None };
        let answer = change.await;
        line.outcome = if answer.is_ok() { "ok" } else { "failed" };
        line.code = answer.as_ref().err().map(|error| error.code);
        answer
    }
}

/// Written on drop, so that a change whose end nobody awaits has one too.
struct Line<'a> {
    context: &'a RuntimeContext,
    tool: &'static str,
    affects: String,
    outcome: &'static str,
    code: Option<Code>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let who = &self.context.caller.principal;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    event = "audit", action = "governance", outcome = self.outcome,
                    code = self.code.map(Code::as_str), tool = self.tool, affects = self.affects,
                    subject = who.subject(), token = %who.digest().fingerprint(),
                    session = self.context.session(), "administration"
                )
            };
        }
        match self.outcome {
            "ok" => line!(info),
            _ => line!(warn),
        }
    }
}
