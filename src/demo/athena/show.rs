//! `SHOW` and `DESCRIBE`, from the catalog.

use super::catalog::DATA_CATALOG;
use super::engine::{Job, Rows};
use super::reasons::Failure;
use super::rights::Rights;
use super::sql::{Token, tokens};
use super::values::ResultColumn;
use super::wire::Refusal;

/// What is asked for.
enum Asked {
    Databases,
    Tables(String),
    Columns { database: String, table: String, described: bool },
}

/// Answers the statement.
///
/// # Errors
/// Where it is not understood, what it names is not there, or the caller lacks a right in Glue.
pub(super) fn answer(job: &Job, rights: Rights<'_>) -> Result<Rows, Failure> {
    let tokens = tokens(&job.sql);
    let asked = read(&tokens, &job.database).ok_or_else(|| {
        Failure::user(
            "NOT_SUPPORTED: the demo knows SHOW DATABASES, SHOW TABLES [IN d], SHOW COLUMNS IN [d.]t \
             and DESCRIBE [d.]t",
        )
    })?;
    let glue = |action: &str, names: &[&str]| match job.catalog == DATA_CATALOG {
        true => rights.on_glue(action, names),
        false => rights.invokes(&job.catalog),
    };
    let denied = |refusal: Refusal| Failure::insufficient(&refusal);
    match asked {
        Asked::Databases => {
            glue("glue:GetDatabases", &[]).map_err(denied)?;
            Ok(listed("database_name", job.databases.keys().cloned()))
        }
        Asked::Tables(database) => {
            glue("glue:GetTables", &[&database, "*"]).map_err(denied)?;
            let tables = job.databases.get(&database).ok_or_else(|| no_schema(&database))?;
            Ok(listed("tab_name", tables.keys().cloned()))
        }
        Asked::Columns { database, table, described } => {
            glue("glue:GetTable", &[&database, &table]).map_err(denied)?;
            let tables = job.databases.get(&database).ok_or_else(|| no_schema(&database))?;
            let absent = || {
                Failure::user(format!("FAILED: SemanticException Unable to fetch table {table}"))
            };
            let found = tables.get(&table).ok_or_else(absent)?;
            let line = |name: &str, kind: &str| match described {
                // As Hive pads it.
                true => format!("{name:<20}\t{kind:<20}\t{:<20}", ""),
                false => format!("{name:<20}"),
            };
            let lines = found.all_columns().map(|column| line(&column.name, &column.kind));
            Ok(listed(if described { "col_name" } else { "field" }, lines))
        }
    }
}

fn read(tokens: &[Token<'_>], home: &str) -> Option<Asked> {
    let tokens: Vec<&Token<'_>> = tokens.iter().filter(|token| token.raw != ";").collect();
    let (first, rest) = tokens.split_first()?;
    if !first.is("show") {
        let names = match rest.split_first() {
            Some((word, more)) if word.is("formatted") || word.is("table") => more,
            _ => rest,
        };
        let (database, table) = table(names, home)?;
        return Some(Asked::Columns { database, table, described: true });
    }
    let (what, rest) = rest.split_first()?;
    let place = rest.split_first().filter(|(word, _)| word.is("in") || word.is("from"));
    match (what.raw.to_ascii_lowercase().as_str(), rest, place) {
        ("databases" | "schemas", [], _) => Some(Asked::Databases),
        ("tables", [], _) => Some(Asked::Tables(home.to_owned())),
        ("tables", _, Some((_, [database]))) => Some(Asked::Tables(database.name()?)),
        ("columns", _, Some((_, names))) => {
            let (database, table) = table(names, home)?;
            Some(Asked::Columns { database, table, described: false })
        }
        _ => None,
    }
}

fn table(names: &[&Token<'_>], home: &str) -> Option<(String, String)> {
    match names {
        [table] => Some((home.to_owned(), table.name()?)),
        [database, dot, table] if dot.raw == "." => Some((database.name()?, table.name()?)),
        _ => None,
    }
}

fn listed(name: &str, lines: impl Iterator<Item = String>) -> Rows {
    Rows {
        columns: vec![ResultColumn::new(name, "string")],
        rows: lines.map(|line| vec![Some(line)]).collect(),
    }
}

fn no_schema(database: &str) -> Failure {
    Failure::user(format!("SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist"))
}
