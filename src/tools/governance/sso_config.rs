use crate::{
    catalog::{
        Operation,
        settings::{GetSso, SetSso, SsoConfig},
    },
    tools::{bounds, prelude::*},
};

/// Show the configuration of single sign-on: which claims give which roles. It may hold secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSsoConfigGet {}

/// Replace the configuration of single sign-on, which decides about everybody's roles at the next log-in:
/// a wrong one can lock users out, you too. The answer has the text that was replaced, which may hold
/// secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSsoConfigSet {
    /// The whole configuration as YAML, at most 64 KiB.
    #[schemars(length(min = 1, max = 65536))]
    config: String,
    /// Replace nothing, show what would be replaced. The catalog checks a text only when it is set.
    #[serde(default)]
    dry_run: bool,
}

/// Remove the configuration of single sign-on: log-ins give no roles by it any more. The answer has the
/// text, which may hold secrets; admin_sso_config_set can set it again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSsoConfigRemove {
    /// Remove nothing, show what would be removed.
    #[serde(default)]
    dry_run: bool,
}

/// A configuration of single sign-on.
#[derive(Serialize, JsonSchema)]
struct Sso {
    /// YAML.
    text: String,
    /// When it was set, as the catalog writes it.
    timestamp: String,
    uploader: Uploader,
}

/// Who set it.
#[derive(Serialize, JsonSchema)]
struct Uploader {
    name: String,
    email: String,
}

/// The present configuration.
#[derive(Serialize, JsonSchema)]
pub struct Present {
    /// Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Sso>,
}

/// The configuration before and after.
#[derive(Serialize, JsonSchema)]
pub struct Replaced {
    /// Whether nothing was replaced.
    dry_run: bool,
    /// Absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Sso>,
    /// Absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Sso>,
}

/// What was removed.
#[derive(Serialize, JsonSchema)]
pub struct Removed {
    /// Whether nothing was removed.
    dry_run: bool,
    /// Absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Sso>,
}

/// Bytes of a configuration to set.
const LONGEST: usize = 64 * 1024;
/// For the log, which has no text of it.
const AFFECTS: &str = "sso_config";

/// The present configuration. One that cannot be shown is not replaced either: it would be lost.
async fn present(cx: &Cx) -> Result<Option<Sso>> {
    let present = cx.catalog()?.run(&GetSso {}).await?.admin.sso_config;
    if present.as_ref().is_some_and(|sso| bounds::cost(&sso.text) > bounds::ROOM / 2) {
        return Err(ToolError::new(
            Code::ResultTooLarge,
            "The present configuration is too large to show; nothing was done",
            "An answer has no room for it.",
            "Administer single sign-on in the catalog itself.",
        ));
    }
    Ok(present.map(Sso::from))
}

/// Sets or removes it.
async fn set(cx: &Cx, tool: &'static str, config: Option<&str>) -> Result<Option<Sso>> {
    let set = cx.administer(tool, AFFECTS, async {
        let answer = cx.catalog()?.run(&SetSso { config }).await.map_err(discreet)?;
        let set = answer.admin.set_sso_config.map(|outcome| outcome.given(SetSso::WHAT));
        let set = set.transpose().map_err(discreet)?;
        match set.is_some() == config.is_some() {
            true => Ok(set.map(Sso::from)),
            false => Err(ToolError::new(
                Code::Timeout,
                SetSso::WHAT,
                "The registry's answer does not say that it was done.",
                "Look with admin_sso_config_get whether it was done before you call again.",
            )),
        }
    });
    set.await
}

/// The registry's words can repeat pieces of the text, which are not for the log: they go beside the
/// reason, which is logged.
fn discreet(error: ToolError) -> ToolError {
    if error.code != Code::CatalogRefused {
        return error;
    }
    let says = serde_json::Value::String(error.why.into_owned());
    let why = "The registry refused; registry_says has its words.";
    let error = ToolError::new(error.code, error.what, why, error.what_to_do);
    error.with_details([("registry_says".to_owned(), says)].into_iter().collect())
}

impl From<SsoConfig> for Sso {
    fn from(sso: SsoConfig) -> Self {
        let uploader = Uploader { name: sso.uploader.name, email: sso.uploader.email };
        Self { text: sso.text, timestamp: sso.timestamp, uploader }
    }
}

impl Tool for AdminSsoConfigGet {
    const NAME: &'static str = "admin_sso_config_get";
    const TITLE: &'static str = "Show SSO configuration";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Present;

    async fn run(self, cx: &Cx) -> Result<Present> {
        Ok(Present { config: present(cx).await? })
    }
}

impl Tool for AdminSsoConfigSet {
    const NAME: &'static str = "admin_sso_config_set";
    const TITLE: &'static str = "Set SSO configuration";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Replaced;

    async fn run(self, cx: &Cx) -> Result<Replaced> {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if self.config.trim().is_empty() || self.config.len() > LONGEST || self.config.contains(odd)
        {
            return Err(ToolError::invalid_arguments(
                "config is a YAML text of 1 to 65536 bytes without control characters; \
                 admin_sso_config_remove removes the configuration",
            ));
        }
        let before = present(cx).await?;
        let after = match self.dry_run {
            true => None,
            false => set(cx, Self::NAME, Some(&self.config)).await?,
        };
        Ok(Replaced { dry_run: self.dry_run, before, after })
    }
}

impl Tool for AdminSsoConfigRemove {
    const NAME: &'static str = "admin_sso_config_remove";
    const TITLE: &'static str = "Remove SSO configuration";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Removed;

    async fn run(self, cx: &Cx) -> Result<Removed> {
        let removed = present(cx).await?;
        if removed.is_some() && !self.dry_run {
            set(cx, Self::NAME, None).await?;
        }
        Ok(Removed { dry_run: self.dry_run, removed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_s_words_about_a_text_are_told_and_not_part_of_what_is_logged() {
        let error = discreet(ToolError::new(Code::CatalogRefused, "No", "near CANARY", "Do"));
        assert_eq!((error.code, &*error.what_to_do), (Code::CatalogRefused, "Do"));
        assert!(!error.to_string().contains("CANARY"));
        let told = serde_json::to_value(&error).unwrap();
        assert_eq!(told["registry_says"], "near CANARY");
        let other = ToolError::new(Code::Timeout, "No", "nobody knows", "Look");
        assert_eq!(discreet(other.clone()), other);
    }
}
