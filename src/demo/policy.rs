//! IAM policy documents: parsed strictly, evaluated as AWS does, failing closed.
//!
//! Only what Quilt's roles and our session policies use is imitated. Whatever is not understood
//! never grants: it makes a document malformed, an `Allow` not apply, or a `Deny` apply.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::wildcard;

/// One policy document, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What a caller wants to do, in IAM's own terms.
#[derive(Clone, Debug)]
pub struct Request {
    /// Full action name, such as `s3:GetObject`.
    pub action: String,
    /// ARN of the resource, or `*` for actions that have none (`s3:ListAllMyBuckets`).
    pub resource: String,
    /// Condition keys that this request has a value for, in lower case.
    pub context: BTreeMap<String, String>,
}

/// What one document says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Some statement allows it and none denies it.
    Allow,
    /// No statement speaks of it, which is a refusal.
    ImplicitDeny,
    /// A statement denies it; nothing elsewhere can allow it again.
    ExplicitDeny,
}

/// Why a text is not a policy that we take; the text goes to the caller of `AssumeRole`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    actions: Scope,
    resources: Scope,
    conditions: Vec<Condition>,
}

/// A set of patterns, or everything outside of it (`NotAction`, `NotResource`).
#[derive(Clone, Debug)]
struct Scope {
    patterns: Vec<String>,
    inverted: bool,
}

#[derive(Clone, Debug)]
struct Condition {
    test: Test,
    /// In lower case, since IAM compares condition keys without regard to case.
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    StringEquals,
    StringLike,
    /// An operator or a key that is not imitated: what it would say cannot be known.
    Unknown,
}

/// Condition keys whose presence or absence in a [`Request`] is meaningful.
const KNOWN_KEYS: &[&str] = &["s3:prefix", "kms:viaservice", "aws:calledvia"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<String>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl Request {
    /// A request without condition keys.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: BTreeMap::new() }
    }

    /// Adds the value that this request has for a condition key such as `s3:prefix`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.insert(key.to_ascii_lowercase(), value.into());
        self
    }
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// When it is not JSON, has a field, version, effect, action or resource that IAM does not
    /// know, or a policy variable (`${…}`), which is not imitated.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let document: Document = serde_json::from_str(text)
            .map_err(|error| Malformed(format!("Syntax errors in policy: {error}")))?;
        if !matches!(document.version.as_deref(), None | Some("2012-10-17" | "2008-10-17")) {
            return Err(Malformed("The policy has an unknown Version".to_owned()));
        }
        let statements = document
            .statement
            .into_vec()
            .into_iter()
            .map(Statement::read)
            .collect::<Result<Vec<_>, _>>()?;
        if statements.is_empty() {
            return Err(Malformed("The policy has no statements".to_owned()));
        }
        Ok(Self { statements })
    }

    /// A policy without statements, which therefore refuses everything.
    #[must_use]
    pub fn deny_all() -> Self {
        Self::default()
    }

    /// What this document alone says of `request`.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Decision {
        let mut decision = Decision::ImplicitDeny;
        for statement in self.statements.iter().filter(|statement| statement.applies(request)) {
            if !statement.allow {
                return Decision::ExplicitDeny;
            }
            decision = Decision::Allow;
        }
        decision
    }
}

impl Statement {
    fn read(raw: RawStatement) -> Result<Self, Malformed> {
        let allow = match raw.effect.as_str() {
            "Allow" => true,
            "Deny" => false,
            other => return Err(Malformed(format!("Invalid effect: {other}"))),
        };
        let actions = Scope::read(raw.action, raw.not_action, "actions")?;
        if let Some(bad) =
            actions.patterns.iter().find(|action| *action != "*" && !action.contains(':'))
        {
            return Err(Malformed(format!("Actions must be prefixed with a vendor: {bad}")));
        }
        let resources = Scope::read(raw.resource, raw.not_resource, "resources")?;
        if let Some(bad) =
            resources.patterns.iter().find(|arn| *arn != "*" && !arn.starts_with("arn:"))
        {
            return Err(Malformed(format!("Resource {bad} must be in ARN format or \"*\".")));
        }
        let mut conditions = Vec::new();
        for (operator, keys) in raw.condition {
            for (key, values) in keys {
                conditions.push(Condition::read(&operator, &key, values.into_vec())?);
            }
        }
        Ok(Self { allow, actions, resources, conditions })
    }

    fn applies(&self, request: &Request) -> bool {
        let action = request.action.to_ascii_lowercase();
        self.actions.covers(&action, true)
            && self.resources.covers(&request.resource, false)
            // A condition that cannot be judged must not widen anything: it counts as met for a
            // Deny and as unmet for an Allow.
            && self.conditions.iter().all(|condition| condition.met(request).unwrap_or(!self.allow))
    }
}

impl Scope {
    fn read(
        within: Option<OneOrMany<String>>,
        without: Option<OneOrMany<String>>,
        what: &str,
    ) -> Result<Self, Malformed> {
        let (patterns, inverted) = match (within, without) {
            (Some(patterns), None) => (patterns.into_vec(), false),
            (None, Some(patterns)) => (patterns.into_vec(), true),
            _ => return Err(Malformed(format!("Policy statement must contain {what}, once."))),
        };
        if patterns.is_empty() {
            return Err(Malformed(format!("Policy statement must contain {what}.")));
        }
        refuse_variables(&patterns)?;
        Ok(Self { patterns, inverted })
    }

    fn covers(&self, name: &str, ignore_case: bool) -> bool {
        let hit = self.patterns.iter().any(|pattern| {
            if ignore_case {
                wildcard::matches(&pattern.to_ascii_lowercase(), name)
            } else {
                wildcard::matches(pattern, name)
            }
        });
        hit != self.inverted
    }
}

impl Condition {
    fn read(operator: &str, key: &str, values: Vec<String>) -> Result<Self, Malformed> {
        refuse_variables(&values)?;
        let key = key.to_ascii_lowercase();
        let test = match operator {
            _ if !KNOWN_KEYS.contains(&key.as_str()) => Test::Unknown,
            // Requests have one value of each key: any of them is that one.
            "StringEquals" | "ForAnyValue:StringEquals" => Test::StringEquals,
            "StringLike" => Test::StringLike,
            _ => Test::Unknown,
        };
        Ok(Self { test, key, values })
    }

    /// `None` when it cannot be judged.
    fn met(&self, request: &Request) -> Option<bool> {
        let holds = |value: &String, actual: &str| match self.test {
            Test::StringEquals => Some(value == actual),
            Test::StringLike => Some(wildcard::matches(value, actual)),
            Test::Unknown => None,
        };
        if matches!(self.test, Test::Unknown) {
            return None;
        }
        // A key that the request does not have never equals anything, as in IAM.
        let Some(actual) = request.context.get(&self.key) else { return Some(false) };
        Some(self.values.iter().any(|value| holds(value, actual) == Some(true)))
    }
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(items) => items,
            Self::One(item) => vec![item],
        }
    }
}

fn refuse_variables(values: &[String]) -> Result<(), Malformed> {
    match values.iter().find(|value| value.contains("${")) {
        Some(value) => Err(Malformed(format!("Policy variables are not supported: {value}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
