//! Bytes to a plan that keeps all rules, and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Broken, Id, MAX_BYTES, MAX_EVENTS, MAX_STEPS, Plan, Refused, Step, StepStatus,
    document::VERSION, limits,
};

/// What is read first: another version may have anything else.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl Plan {
    /// Reads a plan. Every rule that the changes keep is looked at again.
    ///
    /// # Errors
    /// [`Broken`] says what is wrong; it repeats nothing but ids.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Broken> {
        if bytes.len() > MAX_BYTES {
            return Err(Broken(format!("it has more than {MAX_BYTES} bytes")));
        }
        // Serde's own words may repeat what is there, so only its place is told.
        let wrong = |error: &serde_json::Error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = if error.is_data() {
                "it has not the form of a workflow"
            } else {
                "it is not JSON"
            };
            Broken(format!("{what} ({place})"))
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|e| wrong(&e))?;
        if version != VERSION {
            return Err(Broken(format!(
                "its version is {version}, and this server knows version {VERSION} only"
            )));
        }
        let plan: Plan = serde_json::from_slice(bytes).map_err(|e| wrong(&e))?;
        plan.check().map_err(Broken)?;
        // Some numbers are longer in our spelling.
        plan.to_bytes(MAX_BYTES).map_err(|refused| Broken(refused.to_string()))?;
        Ok(plan)
    }

    /// The plan as JSON, of at most so many bytes.
    ///
    /// # Errors
    /// [`Refused`]: it has more.
    pub fn to_bytes(&self, most: usize) -> Result<Vec<u8>, Refused> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| Refused::Argument(format!("it cannot be written: {error}")))?;
        match bytes.len() {
            n if n > most => Err(Refused::Argument(format!(
                "the workflow would have {n} bytes of JSON, and {most} are allowed; keep long texts and \
                 results in objects of their own and name their URIs here"
            ))),
            _ => Ok(bytes),
        }
    }

    fn check(&self) -> Result<(), String> {
        limits::of_plan(self)?;
        if self.steps.len() > MAX_STEPS {
            return Err(format!("it has {} steps; {MAX_STEPS} are allowed", self.steps.len()));
        }
        if self.events.len() > MAX_EVENTS || self.events.iter().any(|e| e.change.len() > 64) {
            return Err(format!("its events are more than {MAX_EVENTS}, or too long"));
        }
        let all: BTreeSet<&Id> = self.steps.iter().map(|step| &step.id).collect();
        let mut earlier: BTreeMap<&Id, StepStatus> = BTreeMap::new();
        for step in &self.steps {
            let of = |why: String| format!("step {}: {why}", step.id);
            limits::of_step(step).map_err(of)?;
            fits(step, &earlier, &all).map_err(of)?;
            if earlier.insert(&step.id, step.status).is_some() {
                return Err(format!("two steps have the id {}", step.id));
            }
        }
        Ok(())
    }
}

/// Whether a step fits those before it.
fn fits(
    step: &Step,
    earlier: &BTreeMap<&Id, StepStatus>,
    all: &BTreeSet<&Id>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for dependency in &step.dependencies {
        if !seen.insert(dependency) {
            return Err(format!("it names {dependency} twice"));
        }
        match earlier.get(dependency) {
            Some(status) if step.status.is_begun() && !status.is_done() => {
                return Err(format!(
                    "it is {}, though {dependency}, on which it depends, is {status}",
                    step.status
                ));
            }
            Some(_) => {}
            None if all.contains(dependency) => {
                return Err(format!(
                    "it depends on {dependency}, which does not come before it: dependencies must not go \
                     round in circles"
                ));
            }
            None => return Err(format!("it depends on {dependency}, and there is no such step")),
        }
    }
    Ok(())
}
