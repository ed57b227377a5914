//! Catalogs, databases and tables, for those who ask before they query.

use serde_json::{Value, json};

use super::catalog::{DATA_CATALOG, Databases, Table};
use super::rights::Rights;
use super::state::State;
use super::wire::{Refusal, page, required, text};

const PAGE: (u64, u64) = (1, 50);

/// Answers one of the operations on metadata; `None` for any other.
pub(super) fn answer(
    state: &State,
    rights: Rights<'_>,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, Refusal>> {
    Some(match operation {
        "ListDataCatalogs" => catalogs(state, rights, input),
        "GetDataCatalog" => catalog(state, rights, input),
        "ListDatabases" => databases(state, rights, input),
        "GetDatabase" => database(state, rights, input),
        "ListTableMetadata" => tables(state, rights, input),
        "GetTableMetadata" => table(state, rights, input),
        _ => return None,
    })
}

fn catalogs(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    rights.require("athena:ListDataCatalogs", "*")?;
    let names: Vec<&String> = state.catalogs.keys().collect();
    let (names, next) = page("catalogs", &names, input, PAGE)?;
    let one = |name: &&String| json!({ "CatalogName": name, "Type": kind(name), "Status": "CREATE_COMPLETE" });
    let list: Vec<Value> = names.iter().map(one).collect();
    Ok(json!({ "DataCatalogsSummary": list, "NextToken": next }))
}

fn catalog(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let asked = required(input, "Name")?;
    rights.on_catalog("GetDataCatalog", asked)?;
    let absent = || Refusal::invalid(format!("Data catalog {asked} was not found"));
    let (name, _) = state.catalog(asked).ok_or_else(absent)?;
    Ok(json!({ "DataCatalog": { "Name": name, "Type": kind(name), "Status": "CREATE_COMPLETE" } }))
}

fn kind(catalog: &str) -> &'static str {
    if catalog == DATA_CATALOG { "GLUE" } else { "LAMBDA" }
}

fn databases(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let (catalog, databases) = open(state, rights, "ListDatabases", input)?;
    if catalog == DATA_CATALOG {
        rights.on_glue("glue:GetDatabases", &[])?;
    }
    let names: Vec<&String> = databases.keys().collect();
    let (names, next) = page("databases", &names, input, PAGE)?;
    let list: Vec<Value> = names.iter().map(|name| json!({ "Name": name })).collect();
    Ok(json!({ "DatabaseList": list, "NextToken": next }))
}

fn database(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let (catalog, databases) = open(state, rights, "GetDatabase", input)?;
    let name = required(input, "DatabaseName")?.to_lowercase();
    if catalog == DATA_CATALOG {
        rights.on_glue("glue:GetDatabase", &[&name])?;
    }
    match databases.contains_key(&name) {
        true => Ok(json!({ "Database": { "Name": name } })),
        false => Err(absent(&format!("Database {name} not found."))),
    }
}

fn tables(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let (catalog, databases) = open(state, rights, "ListTableMetadata", input)?;
    let name = required(input, "DatabaseName")?.to_lowercase();
    if catalog == DATA_CATALOG {
        rights.on_glue("glue:GetTables", &[&name, "*"])?;
    }
    let gone = || absent(&format!("Database {name} not found."));
    let tables = databases.get(&name).ok_or_else(gone)?;
    let pattern = text(input, "Expression").map(str::to_lowercase);
    // Athena takes a regular expression; of that only `.*` and a part of the name are imitated.
    let part = pattern.unwrap_or_default().replace(".*", "").replace('*', "");
    if part.chars().any(|c| "\\[](){}|^$+?.".contains(c)) {
        let message = "the demo takes a part of a table's name as Expression, and `*`";
        return Err(Refusal::invalid(message));
    }
    let found: Vec<&Table> = tables.values().filter(|table| table.name.contains(&part)).collect();
    let (found, next) = page("tables", &found, input, PAGE)?;
    let list: Vec<Value> = found.iter().map(|table| table.metadata(catalog)).collect();
    Ok(json!({ "TableMetadataList": list, "NextToken": next }))
}

fn table(state: &State, rights: Rights<'_>, input: &Value) -> Result<Value, Refusal> {
    let (catalog, databases) = open(state, rights, "GetTableMetadata", input)?;
    let database = required(input, "DatabaseName")?.to_lowercase();
    let name = required(input, "TableName")?.to_lowercase();
    if catalog == DATA_CATALOG {
        rights.on_glue("glue:GetTable", &[&database, &name])?;
    }
    let found = databases.get(&database).and_then(|tables| tables.get(&name));
    let found = found.ok_or_else(|| absent("Entity Not Found"))?;
    Ok(json!({ "TableMetadata": found.metadata(catalog) }))
}

fn open<'a>(
    state: &'a State,
    rights: Rights<'_>,
    operation: &str,
    input: &'a Value,
) -> Result<(&'a str, &'a Databases), Refusal> {
    let asked = required(input, "CatalogName")?;
    let found = state.catalog(asked);
    rights.on_catalog(operation, found.map_or(asked, |(name, _)| name))?;
    let absent = || Refusal::invalid(format!("Data catalog {asked} was not found"));
    let (name, databases) = found.ok_or_else(absent)?;
    if name != DATA_CATALOG {
        rights.invokes(name)?;
    }
    Ok((name, databases))
}

fn absent(what: &str) -> Refusal {
    Refusal::new("MetadataException", format!("EntityNotFoundException: {what}"))
}
