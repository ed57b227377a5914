//! The catalog on the tour: search, tables, roles, and what only administrators see.

use serde_json::{Value, json};

use super::{Tour, entries, strings, text};
use crate::demo::{Running, User, client::Client, running::StartError};

/// With the token of the catalog of one who is no administrator yet.
pub(super) async fn catalog(
    tour: &mut Tour<'_>,
    client: &Client,
    bucket: &str,
) -> Result<(), StartError> {
    tour.heading("The catalog itself: its search, its tables, her roles there")?;
    let who = client.call("catalog_info", json!({})).await?;
    let name = text(who.structured(), "/you/name");
    tour.works("catalog_info", &who, &format!("{name}, by the registry's own word"))?;

    let query = "csv files larger than 500 bytes since 2020";
    let found = client.call("unified_search", json!({"query": query, "limit": 2})).await?;
    let total = count(found.structured(), "/objects/total");
    let read = strings(found.structured(), "/interpreted").join("; ");
    tour.works("unified_search", &found, &format!("{total} objects; {read}"))?;

    let found = client.call("packages_search", json!({"query": "kinetics"})).await?;
    let hits = entries(found.structured(), "/packages/hits", "package_name").join(", ");
    tour.works("packages_search", &found, &hits)?;

    let table = json!({
        "bucket_name": bucket, "table_name": "plates",
        "schema": [{"name": "well", "type": "STRING"}, {"name": "od600", "type": "FLOAT"}],
        "package_pattern": "^lab/(?<run>.+)$", "logical_key_pattern": "\\.csv$",
    });
    let made = client.call("tabulator_table_create", table).await?;
    let lines = text(made.structured(), "/config_yaml").lines().count();
    tour.works("tabulator_table_create", &made, &format!("{lines} lines of YAML, shown"))?;

    let plan = json!({"bucket": bucket, "workflow_id": "tour", "template_name": "data-validation"});
    let plan = client.call("workflow_template_apply", plan).await?;
    let at = text(plan.structured(), "/s3_uri");
    tour.works("workflow_template_apply", &plan, &format!("steps in {at}"))
}

/// What changes with the role, and what an administrator is shown.
pub(super) async fn roles(
    tour: &mut Tour<'_>,
    running: &Running,
    client: &Client,
    alice: &User,
) -> Result<(), StartError> {
    let role = client.call("get_current_quilt_role", json!({})).await?;
    let own = text(role.structured(), "/role");
    let roles = strings(role.structured(), "/roles");
    let other = roles.iter().find(|role| **role != own).ok_or("she has two roles")?;
    let switched = client.call("switch_quilt_role", json!({"role": other})).await?;
    tour.works("switch_quilt_role", &switched, &format!("from {own} to {other}"))?;
    let back = client.call("switch_quilt_role", json!({"role": own})).await?;
    tour.works("and back", &back, &text(back.structured(), "/to"))?;

    let hidden = client.call("admin_users_list", json!({})).await?;
    tour.fails("admin_users_list, by a user", &hidden, "admin_required")?;
    running.world.registry().make_admin(&alice.name);
    // What was asked of one token is believed for minutes; her API key is another.
    let administrator = client.with_token(alice.api_key.clone());
    let users = administrator.call("admin_users_list", json!({})).await?;
    let seen = entries(users.structured(), "/users", "name").join(", ");
    tour.works("the same, once she is an administrator", &users, &seen)
}

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}
