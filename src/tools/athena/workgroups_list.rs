use crate::{aws::athena::Workgroup, tools::prelude::*};

/// List the workgroups that this server allows, with state, place of results and limits.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaWorkgroupsList {}

/// Workgroups that the operator allows.
#[derive(Serialize, JsonSchema)]
pub struct Workgroups {
    workgroups: Vec<Listed>,
    count: usize,
    /// Meant where a call names none.
    default: Option<String>,
}

/// A workgroup.
#[derive(Serialize, JsonSchema)]
struct Listed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Workgroup>,
    /// Why its configuration cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Tool for AthenaWorkgroupsList {
    const NAME: &'static str = "athena_workgroups_list";
    const TITLE: &'static str = "List workgroups";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::ListWorkGroups];
    type Output = Workgroups;

    async fn run(self, cx: &Cx) -> Result<Workgroups> {
        let found = Box::pin(cx.athena().workgroups()).await?;
        let listed = |(name, found): (String, Result<Workgroup>)| match found {
            Ok(found) => Listed { name, configuration: Some(found), error: None },
            Err(error) => Listed { name, configuration: None, error: Some(error.to_string()) },
        };
        let workgroups: Vec<Listed> = found.into_iter().map(listed).collect();
        let default = workgroups.first().map(|first| first.name.clone());
        Ok(Workgroups { count: workgroups.len(), workgroups, default })
    }
}
