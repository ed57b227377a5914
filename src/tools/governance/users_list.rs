use super::{page, user::User};
use crate::{catalog::people::ListPeople, tools::prelude::*};

/// List the catalog's users, one page at a time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUsersList {
    /// Only users whose name or e-mail address contains this; capitals do not matter.
    #[serde(default)]
    #[schemars(length(max = 256))]
    name_contains: String,
    /// Only administrators.
    #[serde(default)]
    only_admins: bool,
    /// Users on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 512))]
    next: Option<String>,
}

fn most() -> i64 {
    100
}

/// One page of users, by name.
#[derive(Serialize, JsonSchema)]
pub struct Users {
    users: Vec<User>,
    /// How many there are on all pages.
    count: usize,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Tool for AdminUsersList {
    const NAME: &'static str = "admin_users_list";
    const TITLE: &'static str = "List users";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Users;

    async fn run(self, cx: &Cx) -> Result<Users> {
        let limit = page::limit(self.limit)?;
        let part = self.name_contains.to_lowercase();
        let mut people = cx.catalog()?.run(&ListPeople {}).await?.admin.user.list;
        people.retain(|person| {
            let found = |text: &str| text.to_lowercase().contains(&part);
            (found(&person.name) || found(&person.email)) && (person.is_admin || !self.only_admins)
        });
        let count = people.len();
        let after = self.next.as_deref().filter(|next| !next.is_empty());
        let people: Vec<User> = people.iter().map(User::from).collect();
        let page = page::of(people, |user| &user.name, after, limit);
        Ok(Users { users: page.entries, count, truncated: page.next.is_some(), next: page.next })
    }
}
