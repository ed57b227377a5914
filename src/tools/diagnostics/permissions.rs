use crate::{
    auth::Family,
    domain::Buckets,
    tools::{
        bounds::{ROOM, keep_fitting},
        prelude::*,
    },
};

/// Show your actions, buckets and roles; AWS may allow less.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUserPermissions {}

/// The upper bound of what the caller may do.
#[derive(Serialize, JsonSchema)]
pub struct Permissions {
    subject: String,
    /// `token`: its claims bound you, then AWS. `aws`: AWS and the catalog decide alone.
    #[schemars(extend("enum" = ["token", "aws"]))]
    decided_by: &'static str,
    /// Actions that this server knows and your token allows.
    actions: Vec<String>,
    /// Permissions of the token that this server has no use for, or that are malformed.
    unused: Vec<String>,
    /// The operator lets nobody change anything.
    read_only_mode: bool,
    buckets: Vec<String>,
    /// How many there are, shown or not.
    bucket_count: usize,
    /// The token allows every bucket.
    every_bucket: bool,
    roles: Vec<String>,
    /// The role you work in, where the catalog says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_admin: Option<bool>,
    /// What could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Tool for GetUserPermissions {
    const NAME: &'static str = "get_user_permissions";
    const TITLE: &'static str = "My permissions";
    const TOOLSET: Toolset = Toolset::Diagnostics;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Permissions;

    async fn run(self, cx: &Cx) -> Result<Permissions> {
        let mut permissions = of_token(cx);
        if cx.principal().family() == Family::Catalog {
            ask(cx, &mut permissions).await;
        }
        permissions.bucket_count = permissions.buckets.len();
        let room = keep_fitting(&mut permissions.buckets, ROOM);
        keep_fitting(&mut permissions.unused, room);
        Ok(permissions)
    }
}

fn of_token(cx: &Cx) -> Permissions {
    let (who, grants) = (cx.principal(), cx.grants());
    let buckets = match grants.buckets() {
        Buckets::Listed(names) => names.iter().map(ToString::to_string).collect(),
        Buckets::All | Buckets::Delegated => Vec::new(),
    };
    let allowed = Action::ALL.iter().filter(|action| grants.has(**action));
    let unknown = who.permissions().iter().filter(|name| Action::parse(name).is_none());
    Permissions {
        subject: who.subject().to_owned(),
        decided_by: match grants.buckets() {
            Buckets::Delegated => "aws",
            Buckets::Listed(_) | Buckets::All => "token",
        },
        actions: allowed.map(|action| action.name().to_owned()).collect(),
        unused: unknown.chain(who.ignored()).cloned().collect(),
        read_only_mode: cx.read_only(),
        buckets,
        bucket_count: 0,
        every_bucket: matches!(grants.buckets(), Buckets::All),
        roles: who.roles().to_vec(),
        current_role: None,
        is_admin: None,
        note: None,
    }
}

/// Of a catalog token, the catalog knows. Where it does not answer, the rest is told all the same.
async fn ask(cx: &Cx, permissions: &mut Permissions) {
    let asked = async {
        let catalog = cx.catalog()?;
        let me = catalog.me().await?;
        let buckets = catalog.buckets().await?;
        Ok::<_, ToolError>((me, buckets))
    };
    match asked.await {
        Ok((me, buckets)) => {
            permissions.current_role = Some(me.role.name);
            permissions.roles = me.roles.into_iter().map(|role| role.name).collect();
            permissions.is_admin = Some(me.is_admin);
            permissions.buckets = buckets.into_iter().map(|bucket| bucket.name).collect();
            permissions.buckets.sort_unstable();
        }
        Err(error) => permissions.note = Some(format!("The catalog did not tell. {error}")),
    }
}
