//! SQLite, in memory, which only reads and only for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Statement, params_from_iter};

use super::catalog::{Column, Databases, Table};
use super::load::Loaded;
use super::reasons::{self, Failure, Names, Trouble};
use super::sql::{Kind, Token, tokens};
use super::values::{ResultColumn, declared, guessed, parameter, shown};

/// The longest that a query computes.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// SQLite asks whether to go on after so many of its instructions.
const ASK_AFTER: i32 = 10_000;
/// The longest text or blob, in bytes.
const LARGEST_VALUE: i32 = 1024 * 1024;
/// The most that a result may hold.
const MOST_ROWS: usize = 100_000;
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// SQLite attaches ten; two are spare.
const MOST_DATABASES: usize = 8;

/// The result of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names and types.
    pub columns: Vec<ResultColumn>,
    /// A text for each column, or none for null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What is to be computed.
pub(super) struct Job {
    /// Without the names of catalogs.
    pub sql: String,
    /// Literals.
    pub parameters: Vec<String>,
    pub catalog: String,
    /// The databases of the catalog.
    pub databases: Databases,
    /// Where names without a database are.
    pub database: String,
}

/// A table: its database and its name.
pub(super) type TableName = (String, String);

impl Job {
    fn names<'a>(&'a self, has_database: &'a dyn Fn(&str) -> bool) -> Names<'a> {
        Names { catalog: &self.catalog, database: &self.database, has_database }
    }

    fn worded(&self, error: &Error) -> Trouble {
        let has_database = |name: &str| self.databases.contains_key(name);
        reasons::of(error, &self.sql, &self.names(&has_database))
    }

    /// The databases that the text can speak of: those whose names are in it.
    fn mentioned(&self) -> Vec<(&String, &BTreeMap<String, Table>)> {
        let text = self.sql.to_lowercase();
        let found = self.databases.iter().filter(|(name, _)| text.contains(name.as_str()));
        found.take(MOST_DATABASES).collect()
    }

    /// The tables that the statement reads.
    pub fn plan(&self) -> Result<BTreeSet<TableName>, Trouble> {
        let connection = self.open().map_err(|error| self.worded(&error))?;
        let reads = Arc::new(Mutex::new(BTreeSet::new()));
        guard(&connection, &reads).map_err(|error| self.worded(&error))?;
        connection.prepare(&self.sql).map(drop).map_err(|error| self.worded(&error))?;
        let seen = reads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let home = |(schema, table): TableName| match schema.as_str() {
            "main" => (self.database.clone(), table),
            _ => (schema, table),
        };
        Ok(seen.into_iter().map(home).collect())
    }

    /// Computes the statement over the tables read.
    pub fn run(
        &self,
        data: &[(TableName, Loaded)],
        stop: &Arc<AtomicBool>,
    ) -> Result<Rows, Failure> {
        self.compute(data, stop).map_err(|trouble| match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Malformed(message) => Failure::user(message),
        })
    }

    fn compute(
        &self,
        data: &[(TableName, Loaded)],
        stop: &Arc<AtomicBool>,
    ) -> Result<Rows, Trouble> {
        let worded = |error: Error| self.worded(&error);
        let connection = self.open().map_err(worded)?;
        for ((database, table), loaded) in data {
            if *database == self.database {
                fill(&connection, "main", table, loaded).map_err(worded)?;
            }
            if self.mentioned().iter().any(|(name, _)| *name == database) {
                fill(&connection, database, table, loaded).map_err(worded)?;
            }
        }
        guard(&connection, &Arc::default()).map_err(worded)?;
        let (end, stop) = (Instant::now() + TIME_LIMIT, Arc::clone(stop));
        let over = move || stop.load(Ordering::SeqCst) || Instant::now() > end;
        connection.progress_handler(ASK_AFTER, Some(over)).map_err(worded)?;
        let statement = connection.prepare(&self.sql).map_err(worded)?;
        read(statement, &self.sql, &self.bound()?, &worded)
    }

    fn bound(&self) -> Result<Vec<Value>, Trouble> {
        let value = |text: &String| {
            parameter(text).ok_or_else(|| {
                Trouble::Failed(Failure::user(format!(
                    "SYNTAX_ERROR: line 1:1: the parameter {text} is no literal; texts stand in \
                     single quotes"
                )))
            })
        };
        self.parameters.iter().map(value).collect()
    }

    /// Empty tables of every database that the text can speak of.
    fn open(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_in_memory()?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
        // A name that is not there is an error and no text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        let at_home = self.databases.get(&self.database);
        if let Some(tables) = at_home {
            furnish(&connection, "main", tables)?;
        }
        let mut elsewhere = BTreeSet::new();
        for (name, tables) in self.mentioned() {
            connection.execute(&format!("ATTACH ':memory:' AS {}", quoted(name)), [])?;
            furnish(&connection, name, tables)?;
            let at_home = |name: &String| at_home.is_some_and(|known| known.contains_key(name));
            elsewhere.extend(tables.keys().filter(|name| !at_home(name)));
        }
        // SQLite would look for a bare name in every database. Athena looks in one.
        for name in elsewhere {
            let (view, nothing) = (quoted(name), quoted(&format!("?{name}")));
            let text = format!("CREATE VIEW main.{view} AS SELECT * FROM {nothing}");
            connection.execute(&text, [])?;
        }
        Ok(connection)
    }
}

/// A database's tables, empty, and its views.
fn furnish(
    connection: &Connection,
    schema: &str,
    tables: &BTreeMap<String, Table>,
) -> rusqlite::Result<()> {
    for table in tables.values() {
        let name = format!("{}.{}", quoted(schema), quoted(&table.name));
        let text = match &table.view {
            Some(sql) => format!("CREATE VIEW {name} AS {sql}"),
            None => {
                let column =
                    |column: &Column| format!("{} {}", quoted(&column.name), declared(column));
                let columns: Vec<String> = table.all_columns().map(column).collect();
                format!("CREATE TABLE {name} ({})", columns.join(", "))
            }
        };
        connection.execute(&text, [])?;
    }
    Ok(())
}

fn fill(
    connection: &Connection,
    schema: &str,
    table: &str,
    loaded: &Loaded,
) -> rusqlite::Result<()> {
    let Some(width) = loaded.rows.first().map(Vec::len) else { return Ok(()) };
    let marks = vec!["?"; width].join(", ");
    let (schema, table) = (quoted(schema), quoted(table));
    let text = format!("INSERT INTO {schema}.{table} VALUES ({marks})");
    let mut insert = connection.prepare(&text)?;
    for row in &loaded.rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// From now on only reading, and only of tables. Those read are written down.
fn guard(connection: &Connection, reads: &Arc<Mutex<BTreeSet<TableName>>>) -> rusqlite::Result<()> {
    let reads = Arc::clone(reads);
    connection.authorizer(Some(move |context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if function_name != "load_extension" => {
            Authorization::Allow
        }
        AuthAction::Read { table_name, .. } if is_data(table_name) => {
            // None is told of a bare name none of whose columns is read, `count(*)`: home, or a
            // common table expression.
            let schema = context.database_name.unwrap_or("main");
            let name = (schema.to_lowercase(), table_name.to_lowercase());
            reads.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))
}

fn read(
    mut statement: Statement<'_>,
    sql: &str,
    parameters: &[Value],
    worded: &dyn Fn(Error) -> Trouble,
) -> Result<Rows, Trouble> {
    let declared: Vec<(String, Option<String>)> = statement
        .columns()
        .iter()
        .enumerate()
        .map(|(at, column)| {
            (named(column.name(), at, sql), column.decl_type().map(str::to_lowercase))
        })
        .collect();
    let mut columns: Vec<(ResultColumn, bool)> = declared
        .iter()
        .map(|(name, kind)| {
            (ResultColumn::new(name, kind.as_deref().unwrap_or("varchar")), kind.is_some())
        })
        .collect();
    let mut found = statement.query(params_from_iter(parameters)).map_err(worded)?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next().map_err(worded)? {
        let mut cells = Vec::with_capacity(columns.len());
        for (at, (column, known)) in columns.iter_mut().enumerate() {
            let value = row.get_ref(at).map_err(worded)?;
            if let (false, Some(kind)) = (*known, guessed(value)) {
                (*column, *known) = (ResultColumn::new(&column.name, kind), true);
            }
            let text = shown(column, value);
            bytes += text.as_ref().map_or(1, String::len);
            cells.push(text);
        }
        rows.push(cells);
        if rows.len() > MOST_ROWS || bytes > MOST_BYTES {
            return Err(Trouble::Failed(Failure::user(format!(
                "the demo answers {MOST_ROWS} rows and {MOST_BYTES} bytes at most"
            ))));
        }
    }
    Ok(Rows { columns: columns.into_iter().map(|(column, _)| column).collect(), rows })
}

/// The name of a column: where the query gives none, SQLite says the text of the expression, and Athena
/// counts.
fn named(name: &str, at: usize, sql: &str) -> String {
    let is_bare = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let quoted = |token: &Token<'_>| token.kind == Kind::Quoted && token.raw == quoted(name);
    match is_bare || tokens(sql).iter().any(quoted) {
        true => name.to_owned(),
        false => format!("_col{at}"),
    }
}

/// Whether a name is none of SQLite's own.
fn is_data(table: &str) -> bool {
    !table.starts_with("sqlite_") && !table.starts_with("pragma_")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
