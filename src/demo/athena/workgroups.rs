//! Workgroups: where results go, whether clients have a say in it, and how much may be scanned.

use serde_json::{Value, json};

use super::rights::Rights;
use super::state::State;
use super::wire::{Refusal, page, required};

/// The bucket for results, which is nobody's data and no bucket of the catalog.
pub const RESULTS_BUCKET: &str = "quilt-athena-results";

/// The dialect, told wherever Athena tells its engine's version.
pub const ENGINE: &str = "demo: SQLite, not Athena engine version 3";

/// Where a query goes that names no workgroup; every account has it.
pub(super) const PRIMARY: &str = "primary";

/// Bytes that a query may scan in the workgroup `quilt`: Athena's least.
const CUTOFF: u64 = 10_000_000;

/// A workgroup.
#[derive(Clone, Debug)]
pub struct Workgroup {
    /// Its name.
    pub name: String,
    /// Whether it takes queries.
    pub enabled: bool,
    /// `s3://bucket/prefix/`; without it each query has to bring its own.
    pub output: Option<String>,
    /// Whether `output` counts and a query's own is ignored.
    pub enforced: bool,
    /// A query that scans more bytes is cancelled.
    pub cutoff: Option<u64>,
}

impl Workgroup {
    /// Enabled, with an output location that counts, and no cutoff.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            enabled: true,
            output: Some(format!("s3://{RESULTS_BUCKET}/{name}/")),
            enforced: true,
            cutoff: None,
        }
    }

    fn state(&self) -> &'static str {
        if self.enabled { "ENABLED" } else { "DISABLED" }
    }
}

/// `quilt`, whose output location counts; `primary`, which has none; and one that is switched off.
pub(super) fn seeded() -> Vec<Workgroup> {
    let quilt = Workgroup { cutoff: Some(CUTOFF), ..Workgroup::new("quilt") };
    let primary = Workgroup { output: None, enforced: false, ..Workgroup::new(PRIMARY) };
    let retired = Workgroup { enabled: false, ..Workgroup::new("retired") };
    vec![quilt, primary, retired]
}

pub(super) fn list(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    rights.require("athena:ListWorkGroups", "*")?;
    let groups: Vec<&Workgroup> = state.workgroups.values().collect();
    let (groups, next) = page("workgroups", &groups, input, (1, 50))?;
    let one = |group: &&Workgroup| json!({ "Name": group.name, "State": group.state(), "EngineVersion": engine() });
    let list: Vec<Value> = groups.iter().map(one).collect();
    Ok(json!({ "WorkGroups": list, "NextToken": next }))
}

pub(super) fn get(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let name = required(input, "WorkGroup")?;
    rights.on_workgroup("GetWorkGroup", name)?;
    let group = state.workgroup(name)?;
    let mut configuration = json!({
        "EnforceWorkGroupConfiguration": group.enforced,
        "PublishCloudWatchMetricsEnabled": false,
        "RequesterPaysEnabled": false,
        "ResultConfiguration": {},
        "EngineVersion": engine(),
    });
    if let Some(fields) = configuration.as_object_mut() {
        if let Some(output) = &group.output {
            fields.insert("ResultConfiguration".to_owned(), json!({ "OutputLocation": output }));
        }
        if let Some(cutoff) = group.cutoff {
            fields.insert("BytesScannedCutoffPerQuery".to_owned(), cutoff.into());
        }
    }
    Ok(json!({ "WorkGroup": {
        "Name": group.name, "State": group.state(), "Configuration": configuration,
    } }))
}

pub(super) fn engine() -> Value {
    json!({ "SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE })
}
