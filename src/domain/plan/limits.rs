//! How large the parts of a plan may be, for what is asked and for what is read.

use serde_json::{Map, Value};

use super::{Plan, Step};

/// Characters of a plan's name.
const MAX_NAME: usize = 200;
/// Bytes of a plan's description.
const MAX_DESCRIPTION: usize = 4000;
/// Bytes of a step's description, or of the message of one that failed.
const MAX_STEP_TEXT: usize = 2000;
/// Bytes of a plan's metadata, or of a step's result, as JSON.
const MAX_OBJECT: usize = 16 * 1024;
/// Bytes of a step's metadata as JSON.
const MAX_STEP_METADATA: usize = 4 * 1024;
/// Steps that one depends on.
const MAX_DEPENDENCIES: usize = 50;
/// Objects and lists within each other.
const MAX_DEPTH: usize = 16;

/// What a plan says about itself.
pub fn of_plan(plan: &Plan) -> Result<(), String> {
    name(&plan.name)?;
    text("description", &plan.description, MAX_DESCRIPTION)?;
    object("metadata", &plan.metadata, MAX_OBJECT)?;
    match &plan.template {
        Some(template) => text("template", template, MAX_NAME),
        None => Ok(()),
    }
}

/// What a step says, but for its place among the others.
pub fn of_step(step: &Step) -> Result<(), String> {
    if step.description.trim().is_empty() {
        return Err("description is empty; say what the step does".to_owned());
    }
    text("description", &step.description, MAX_STEP_TEXT)?;
    text("error_message", step.error_message.as_deref().unwrap_or_default(), MAX_STEP_TEXT)?;
    object("metadata", &step.metadata, MAX_STEP_METADATA)?;
    if let Some(result) = &step.result {
        object("result", result, MAX_OBJECT)?;
    }
    match step.dependencies.len() {
        n if n > MAX_DEPENDENCIES => {
            Err(format!("dependencies has {n} entries; {MAX_DEPENDENCIES} are allowed"))
        }
        _ => Ok(()),
    }
}

fn name(name: &str) -> Result<(), String> {
    let is_long = name.chars().nth(MAX_NAME).is_some();
    match name.trim().is_empty() || is_long || name.chars().any(char::is_control) {
        true => Err(format!("name is one line of 1 to {MAX_NAME} characters")),
        false => Ok(()),
    }
}

fn text(what: &str, text: &str, most: usize) -> Result<(), String> {
    match text.len() {
        n if n > most => Err(format!("{what} has {n} bytes; {most} are allowed")),
        _ => Ok(()),
    }
}

fn object(what: &str, object: &Map<String, Value>, most: usize) -> Result<(), String> {
    if !object.values().all(|value| is_flat(value, MAX_DEPTH - 1)) {
        return Err(format!("{what} is nested more than {MAX_DEPTH} levels deep"));
    }
    let json = serde_json::to_string(object).map_err(|e| format!("{what} is not JSON: {e}"))?;
    text(what, &json, most)
}

fn is_flat(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|v| is_flat(v, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|v| is_flat(v, levels - 1)),
        _ => true,
    }
}
