use serde_json::{Map, Value};

use super::metadata_templates_list::{FieldInfo, fields, today};
use crate::{
    domain::metadata,
    tools::{bounds, prelude::*},
};

/// Get the metadata of a template, ready to be filled in and given to package_create.
///
/// `custom_fields` replace the template's or are added to them. `to_fill` names what is still open.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetMetadataTemplate {
    /// One of standard, genomics, ml, research, analytics.
    #[schemars(length(max = 64))]
    template_name: String,
    /// Fields of your own; at most 100 kB.
    #[serde(default)]
    custom_fields: Map<String, Value>,
}

/// A template, filled in as far as is known.
#[derive(Serialize, JsonSchema)]
pub struct Filled {
    template_name: &'static str,
    /// The metadata.
    metadata: Map<String, Value>,
    /// The template's fields and what they mean.
    fields: Vec<FieldInfo>,
    /// Fields of the template without a value: fill them in, or leave them out.
    to_fill: Vec<&'static str>,
}

/// What a result has room for, twice over the wire.
const MAX_CUSTOM: usize = 100_000;

impl Tool for GetMetadataTemplate {
    const NAME: &'static str = "get_metadata_template";
    const TITLE: &'static str = "Get a metadata template";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[];
    type Output = Filled;

    async fn run(self, cx: &Cx) -> Result<Filled> {
        let template = metadata::template(&self.template_name)
            .map_err(|why| ToolError::invalid_arguments(format!("template_name: {why}")))?;
        if bounds::cost_of(&self.custom_fields) > 2 * MAX_CUSTOM {
            let why =
                "custom_fields have more than 100 kB; metadata of a package is no place for data";
            return Err(ToolError::invalid_arguments(why));
        }
        let today = today(cx);
        let metadata = template.fill(&today, self.custom_fields);
        let to_fill = template.missing(&metadata).iter().map(|field| field.name).collect();
        let fields = fields(template, &today);
        Ok(Filled { template_name: template.name, metadata, fields, to_fill })
    }
}
