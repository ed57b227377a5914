use serde_json::Value;

use crate::{
    domain::metadata::{self, Template},
    tools::prelude::*,
};

/// List the templates of package metadata: for which packages each is meant, and its fields.
///
/// `get_metadata_template` fills one in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMetadataTemplates {}

/// Every template.
#[derive(Serialize, JsonSchema)]
pub struct Templates {
    available_templates: Vec<TemplateInfo>,
}

/// One template.
#[derive(Serialize, JsonSchema)]
struct TemplateInfo {
    name: &'static str,
    /// For which packages it is meant.
    description: &'static str,
    fields: Vec<FieldInfo>,
}

/// One field of a template.
#[derive(Serialize, JsonSchema)]
pub(super) struct FieldInfo {
    name: &'static str,
    /// What it says.
    meaning: &'static str,
    /// What it begins with; absent where somebody must fill it in.
    #[serde(skip_serializing_if = "Value::is_null")]
    initial: Value,
}

/// A template's fields, with what they begin with on this day.
pub(super) fn fields(template: &Template, today: &str) -> Vec<FieldInfo> {
    let field = |f: &metadata::Field| FieldInfo {
        name: f.name,
        meaning: f.meaning,
        initial: template.initial(f, today),
    };
    template.fields().map(field).collect()
}

/// The day in UTC, as YYYY-MM-DD.
pub(super) fn today(cx: &Cx) -> String {
    cx.now().strftime("%Y-%m-%d").to_string()
}

impl Tool for ListMetadataTemplates {
    const NAME: &'static str = "list_metadata_templates";
    const TITLE: &'static str = "List metadata templates";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[];
    type Output = Templates;

    async fn run(self, cx: &Cx) -> Result<Templates> {
        let today = today(cx);
        let info = |t: &Template| TemplateInfo {
            name: t.name,
            description: t.description,
            fields: fields(t, &today),
        };
        Ok(Templates { available_templates: metadata::ALL.iter().map(info).collect() })
    }
}
