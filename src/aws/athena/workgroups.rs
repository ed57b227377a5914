//! Workgroups: only those that the operator allows.

use aws_sdk_athena::types::{WorkGroup, WorkGroupState};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Athena, execution::timestamp, failed};
use crate::{
    domain::{Action, BucketRef, QueryPermit},
    error::{Code, ToolError},
};

/// A workgroup.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Workgroup {
    /// Its name.
    pub name: String,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// Where it writes results: `s3://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_location: Option<String>,
    /// Whether its own configuration counts, whatever a query says.
    pub enforces_configuration: bool,
    /// Athena keeps the results itself.
    pub managed_results: bool,
    /// Bytes after which it stops a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_scanned_cutoff: Option<u64>,
    /// The engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

impl Athena {
    /// The name of the workgroup that is meant: the one that was asked for, if the operator allows it, or
    /// the usual one.
    ///
    /// # Errors
    /// It is not allowed; which are.
    pub fn workgroup_name(&self, wanted: Option<&str>) -> Result<String, ToolError> {
        let allowed = &self.rules().workgroups;
        let found = match wanted {
            Some(wanted) => allowed.iter().find(|name| *name == wanted),
            None => allowed.first(),
        };
        found.cloned().ok_or_else(|| {
            let wanted: String = wanted.unwrap_or_default().chars().take(128).collect();
            ToolError::invalid_arguments(format!(
                "workgroup_name is {wanted:?}; this server uses {} (QUILT_MCP_ATHENA_WORKGROUPS)",
                allowed.join(", ")
            ))
        })
    }

    /// The workgroups that the operator allows, each with its configuration or why that cannot be read.
    ///
    /// # Errors
    /// Denied by the token.
    pub async fn workgroups(
        &self,
    ) -> Result<Vec<(String, Result<Workgroup, ToolError>)>, ToolError> {
        let names = &self.rules().workgroups;
        let permit = self.authority.require_query(Action::ListWorkGroups, names)?;
        let mut found = Vec::new();
        for name in names {
            found.push((name.clone(), self.workgroup(&permit, name).await));
        }
        Ok(found)
    }

    /// `athena:GetWorkGroup`
    pub(super) async fn workgroup(
        &self,
        permit: &QueryPermit,
        name: &str,
    ) -> Result<Workgroup, ToolError> {
        let what = format!("Reading the workgroup {name}");
        let answer =
            self.call(permit, &what, |client| client.get_work_group().work_group(name).send());
        let answer = answer.await?;
        answer.work_group().map(workgroup).ok_or_else(|| failed::no_answer(&what))
    }
}

impl Workgroup {
    /// Where a query's result goes: `None` where Athena keeps it itself. The second is what the query has
    /// to say: nothing where the workgroup's location counts anyway.
    ///
    /// # Errors
    /// The workgroup is switched off, or there is no location at all.
    pub(super) fn place(
        &self,
        configured: Option<BucketRef>,
    ) -> Result<(Option<BucketRef>, Option<BucketRef>), ToolError> {
        let name = &self.name;
        if self.state != WorkGroupState::Enabled.as_str() {
            return Err(unusable(name, "It is disabled."));
        }
        if self.managed_results {
            return Ok((None, None));
        }
        if !self.enforces_configuration
            && let Some(place) = configured
        {
            return Ok((Some(place.clone()), Some(place)));
        }
        let own = self.output_location.as_deref().map(BucketRef::parse);
        match own {
            Some(Ok(mut place)) => {
                if !place.prefix.is_empty() && !place.prefix.ends_with('/') {
                    place.prefix.push('/');
                }
                Ok((Some(place), None))
            }
            Some(Err(_)) => Err(unusable(name, "Its location for results is not understood.")),
            None => Err(unusable(name, "It has no location for results, and none is configured.")),
        }
    }
}

fn unusable(name: &str, why: &'static str) -> ToolError {
    ToolError::new(
        Code::QueryRefused,
        format!("The workgroup {name} cannot be used"),
        why,
        "athena_workgroups_list shows the others; the operator may set QUILT_MCP_ATHENA_OUTPUT, or \
         choose workgroups by QUILT_MCP_ATHENA_WORKGROUPS.",
    )
}

fn workgroup(told: &WorkGroup) -> Workgroup {
    let configuration = told.configuration();
    let results = configuration.and_then(|c| c.result_configuration());
    let managed = configuration.and_then(|c| c.managed_query_results_configuration());
    let cutoff = configuration.and_then(|c| c.bytes_scanned_cutoff_per_query());
    let engine = configuration.and_then(|c| c.engine_version());
    let engine = engine.and_then(|e| e.effective_engine_version().or(e.selected_engine_version()));
    let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Workgroup {
        name: told.name().to_owned(),
        description: said(told.description()),
        state: told.state().map_or("ENABLED", WorkGroupState::as_str).to_owned(),
        output_location: said(results.and_then(|r| r.output_location())),
        // Athena's own default.
        enforces_configuration: configuration
            .is_none_or(|c| c.enforce_work_group_configuration().unwrap_or(true)),
        managed_results: managed.is_some_and(|m| m.enabled()),
        bytes_scanned_cutoff: cutoff.and_then(|n| u64::try_from(n).ok()),
        engine_version: said(engine),
        created: told.creation_time().and_then(timestamp).map(|time| time.to_string()),
    }
}
