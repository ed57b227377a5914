//! The changes of a plan, and when they are refused.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    Event, Id, MAX_EVENTS, MAX_STEPS, Moment, Plan, Refused, Step, StepStatus, document::VERSION,
    limits, template::Template,
};

/// A plan to be made.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// Its name in the bucket.
    pub id: Id,
    /// For people.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Anything.
    pub metadata: Map<String, Value>,
}

/// A step to be added.
#[derive(Clone, Debug)]
pub struct NewStep {
    /// Its name in the plan.
    pub id: Id,
    /// What is to be done.
    pub description: String,
    /// `manual`, `automated`, …
    pub step_type: Id,
    /// Steps that are there already.
    pub dependencies: Vec<Id>,
    /// Anything.
    pub metadata: Map<String, Value>,
}

/// How a step stands from now on.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The new status.
    pub status: StepStatus,
    /// What came of it, where it ended.
    pub result: Option<Map<String, Value>>,
    /// Why it failed, where it did.
    pub error_message: Option<String>,
}

impl Plan {
    /// A new plan, with the steps of a template where one is given.
    ///
    /// # Errors
    /// [`Refused::Argument`]: something is too long.
    pub fn create(
        new: NewPlan,
        template: Option<&Template>,
        moment: &Moment,
    ) -> Result<Self, Refused> {
        let mut plan = Self {
            version: VERSION,
            id: new.id,
            name: new.name,
            description: new.description,
            template: template.map(|template| template.name.to_owned()),
            metadata: new.metadata,
            created_at: whole(moment.at),
            updated_at: whole(moment.at),
            steps: Vec::new(),
            events: Vec::new(),
        };
        limits::of_plan(&plan).map_err(Refused::Argument)?;
        plan.happened(moment, None, None, None);
        for step in template.into_iter().flat_map(Template::steps) {
            plan.add_step(step, moment)?;
        }
        Ok(plan)
    }

    /// Adds a step behind the others.
    ///
    /// # Errors
    /// [`Refused::State`] where there is one of this id or no room for another; [`Refused::Argument`]
    /// for a dependency that is no step, for the step itself as one, and for what is too long.
    pub fn add_step(&mut self, new: NewStep, moment: &Moment) -> Result<(), Refused> {
        if self.step(&new.id).is_some() {
            return Err(Refused::State(format!("there is a step {} already", new.id)));
        }
        if self.steps.len() >= MAX_STEPS {
            return Err(Refused::State(format!(
                "it has {MAX_STEPS} steps, the most that it can have"
            )));
        }
        let mut seen = BTreeSet::new();
        for dependency in &new.dependencies {
            let why = if *dependency == new.id {
                "a step cannot depend on itself".to_owned()
            } else if !seen.insert(dependency) {
                format!("dependencies names {dependency} twice")
            } else if self.step(dependency).is_none() {
                let known = self.known_steps();
                format!("dependencies names {dependency}, and there is no such step; {known}")
            } else {
                continue;
            };
            return Err(Refused::Argument(why));
        }
        let step = Step {
            id: new.id,
            description: new.description,
            step_type: new.step_type,
            status: StepStatus::Pending,
            dependencies: new.dependencies,
            metadata: new.metadata,
            created_at: whole(moment.at),
            started_at: None,
            ended_at: None,
            result: None,
            error_message: None,
        };
        limits::of_step(&step).map_err(Refused::Argument)?;
        self.happened(moment, Some(&step.id), None, Some(StepStatus::Pending));
        self.steps.push(step);
        Ok(())
    }

    /// Changes the status of a step.
    ///
    /// # Errors
    /// [`Refused::State`] where the step's status, its dependencies or those that depend on it do not
    /// allow it; [`Refused::Argument`] for an unknown step, for a result or message that does not belong
    /// to the status, and for what is too long.
    pub fn update_step(
        &mut self,
        id: &Id,
        outcome: Outcome,
        moment: &Moment,
    ) -> Result<(), Refused> {
        let Some(step) = self.step(id) else {
            let why = format!("there is no step {id}; {}", self.known_steps());
            return Err(Refused::Argument(why));
        };
        outcome.check()?;
        self.may(step, outcome.status)?;
        let (from, to, now) = (step.status, outcome.status, whole(moment.at));
        let mut next = step.clone();
        next.status = to;
        next.started_at = match to {
            StepStatus::Pending => None,
            StepStatus::InProgress => Some(now),
            _ => step.started_at,
        };
        let has_ended = !matches!(to, StepStatus::Pending | StepStatus::InProgress);
        next.ended_at = has_ended.then_some(now);
        next.result = outcome.result;
        next.error_message = outcome.error_message;
        limits::of_step(&next).map_err(Refused::Argument)?;
        if let Some(place) = self.steps.iter_mut().find(|step| step.id == *id) {
            *place = next;
        }
        self.happened(moment, Some(id), Some(from), Some(to));
        Ok(())
    }

    fn may(&self, step: &Step, to: StepStatus) -> Result<(), Refused> {
        let (id, from) = (&step.id, step.status);
        if !from.next().contains(&to) {
            let next: Vec<&str> = from.next().iter().map(|status| status.as_str()).collect();
            return Err(Refused::State(format!(
                "step {id} is {from} and cannot become {to}; what may follow is: {}",
                next.join(", ")
            )));
        }
        let waits_for = self.waits_for(step);
        if to.is_begun() && !waits_for.is_empty() {
            let each = waits_for.iter().map(|step| format!("{} is {}", step.id, step.status));
            return Err(Refused::State(format!(
                "step {id} cannot become {to} before the steps on which it depends are completed or \
                 skipped: {}",
                each.collect::<Vec<_>>().join(", ")
            )));
        }
        let relies = |other: &&Step| other.status.is_begun() && other.dependencies.contains(id);
        match self.steps.iter().find(relies).filter(|_| from.is_done()) {
            Some(other) => Err(Refused::State(format!(
                "step {id} cannot become {to} again: {} depends on it and is {}",
                other.id, other.status
            ))),
            None => Ok(()),
        }
    }

    fn happened(
        &mut self,
        moment: &Moment,
        step: Option<&Id>,
        from: Option<StepStatus>,
        to: Option<StepStatus>,
    ) {
        let at = whole(moment.at);
        // Another server's clock may be ahead.
        self.updated_at = self.updated_at.max(at);
        let over = (self.events.len() + 1).saturating_sub(MAX_EVENTS);
        self.events.drain(..over);
        let change = moment.change.clone();
        self.events.push(Event { at, change, step_id: step.cloned(), from, to });
    }

    fn known_steps(&self) -> String {
        let mut ids: Vec<&str> = self.steps.iter().take(20).map(|step| step.id.as_str()).collect();
        if self.steps.len() > ids.len() {
            ids.push("…");
        }
        match ids.is_empty() {
            true => "the workflow has none yet (workflow_add_step adds one)".to_owned(),
            false => format!("there are: {}", ids.join(", ")),
        }
    }
}

impl Outcome {
    fn check(&self) -> Result<(), Refused> {
        let ends = !matches!(self.status, StepStatus::Pending | StepStatus::InProgress);
        let why = if self.error_message.is_some() && self.status != StepStatus::Failed {
            "error_message belongs to the status failed only"
        } else if self.result.is_some() && !ends {
            "result belongs to the statuses completed, failed and skipped only"
        } else {
            return Ok(());
        };
        Err(Refused::Argument(why.to_owned()))
    }
}

/// To the millisecond.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
