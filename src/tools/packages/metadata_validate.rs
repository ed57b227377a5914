use serde_json::{Map, Value};

use crate::{
    domain::metadata::{self, Finding},
    tools::prelude::*,
};

/// Look through package metadata before it is pushed: its form and size, empty values, dates, names
/// that differ only in case, and what looks like a secret.
///
/// `valid` means that no finding is an error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidateMetadataStructure {
    /// The metadata, a JSON object.
    #[schemars(with = "Map<String, Value>")]
    metadata: Value,
    /// Also tell which fields of this template are missing: standard, genomics, ml, research or
    /// analytics.
    #[serde(default)]
    #[schemars(length(max = 64))]
    template_name: Option<String>,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
pub struct Validation {
    /// Whether there is no error among the findings.
    valid: bool,
    /// Errors first, at most 100. Values are never repeated.
    findings: Vec<Finding>,
    /// How many findings there are in all.
    total_findings: usize,
    /// How many of them are errors.
    errors: usize,
    /// Fields at the top.
    field_count: usize,
    /// Fields of the template that the metadata lacks or leaves empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_fields: Option<Vec<&'static str>>,
}

impl Tool for ValidateMetadataStructure {
    const NAME: &'static str = "validate_metadata_structure";
    const TITLE: &'static str = "Validate metadata";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[];
    type Output = Validation;

    async fn run(self, _cx: &Cx) -> Result<Validation> {
        let template = self.template_name.as_deref().map(metadata::template).transpose();
        let template = template
            .map_err(|why| ToolError::invalid_arguments(format!("template_name: {why}")))?;
        let report = metadata::inspect(&self.metadata);
        let none = Map::new();
        let members = self.metadata.as_object().unwrap_or(&none);
        let missing = template.map(|t| t.missing(members).iter().map(|f| f.name).collect());
        Ok(Validation {
            valid: report.errors == 0,
            findings: report.findings,
            total_findings: report.total,
            errors: report.errors,
            field_count: members.len(),
            missing_fields: missing,
        })
    }
}
