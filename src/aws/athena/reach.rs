//! Which buckets a query reads: SQL does not say, so its tables are asked.

use std::collections::BTreeSet;

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{Athena, GLUE, Question, Table};
use crate::{
    aws::Source,
    domain::{
        Action, BucketName, BucketRef, Buckets, QueryPermit, QueryScope,
        sql::{Kind, TableName},
    },
    error::{Code, ToolError},
};

/// The database that Athena means where none is named.
const DEFAULT: &str = "default";
/// Tables of one query whose place is asked.
const MOST_TABLES: usize = 64;
/// How many at once.
const AT_ONCE: usize = 4;

/// What one table of a query adds to its reach.
enum Adds {
    /// Rows that Athena knows by itself.
    Nothing,
    /// Objects of a bucket.
    Bucket(BucketName),
    /// Packages of a bucket, read by the connector of tabulator tables.
    Tabulated(BucketName),
}

impl Athena {
    /// Opens to a query what it reads: the buckets of its tables, where the token grants all of them.
    ///
    /// # Errors
    /// A bucket that is not granted, or a table whose bucket nobody can tell.
    pub(super) async fn reach(
        &self,
        permit: QueryPermit,
        question: &Question<'_>,
    ) -> Result<QueryPermit, ToolError> {
        let target = question.statement.target();
        if target.is_some() {
            // Also where nothing below asks for a bucket.
            self.authority.require_any(Action::PutObject)?;
        }
        if self.rules().scope == QueryScope::Role {
            return Ok(permit.by_role());
        }
        if self.is_bounded_by_aws() {
            return Ok(permit);
        }
        let tables = match question.statement.kind {
            // These read no objects.
            Kind::Show | Kind::Describe => &[][..],
            _ => &question.statement.tables,
        };
        if tables.len() > MOST_TABLES {
            let count = tables.len();
            return Err(refused(format!(
                "It names {count} tables; at most {MOST_TABLES} are looked up."
            )));
        }
        // Boxed: what waits for Athena is large, and this is inside of much else.
        let asked: Vec<BoxFuture<'_, _>> =
            tables.iter().map(|table| self.adds(&permit, question, table).boxed()).collect();
        let adds: Vec<Adds> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let mut buckets = BTreeSet::new();
        let mut has_connector = question.is_tabulator(question.catalog);
        for adds in adds {
            match adds {
                Adds::Nothing => {}
                Adds::Bucket(bucket) => drop(buckets.insert(bucket)),
                Adds::Tabulated(bucket) => {
                    buckets.insert(bucket);
                    has_connector = true;
                }
            }
        }
        let written = match target {
            Some(target) => Some(self.written(&permit, question, target).boxed().await?),
            None => None,
        };
        // Athena also reads where it writes.
        buckets.extend(written.clone());
        let mut permit = self.authority.require_reads(permit, buckets)?;
        if let Some(bucket) = written {
            permit = self.authority.require_writes(permit, bucket)?;
        }
        Ok(if has_connector { permit.with_connector() } else { permit })
    }

    /// The bucket of the table that a query writes.
    async fn written(
        &self,
        permit: &QueryPermit,
        question: &Question<'_>,
        target: &TableName,
    ) -> Result<BucketName, ToolError> {
        match self.adds(permit, question, target).await? {
            Adds::Bucket(bucket) => Ok(bucket),
            _ => Err(unknown(target, "it is no table of Glue's, so nothing is written to it")),
        }
    }

    /// Whether the token lists nothing and the keys are the registry's: then AWS alone bounds them, for
    /// queries as for everything else.
    fn is_bounded_by_aws(&self) -> bool {
        matches!(self.authority.buckets(), Buckets::Delegated)
            && matches!(self.source, Source::Static(_))
    }

    async fn adds(
        &self,
        permit: &QueryPermit,
        question: &Question<'_>,
        named: &TableName,
    ) -> Result<Adds, ToolError> {
        let catalog = named.catalog.as_deref().unwrap_or(question.catalog);
        let said = named.database.as_deref().or(question.database);
        let database = said.unwrap_or(DEFAULT);
        if database == "information_schema" {
            return Ok(Adds::Nothing);
        }
        if question.is_tabulator(catalog) {
            // A database of tabulator tables is the bucket of their packages.
            if said.is_none() {
                return Err(unknown(named, "no database is named, and that is its bucket"));
            }
            let bucket = BucketName::parse(database);
            return bucket
                .map(Adds::Tabulated)
                .map_err(|_| unknown(named, "its database is no bucket"));
        }
        if !self.is_narrowed() && named.table.contains('$') {
            return Err(unknown(named, "what a $ in its name stands for is for Athena to know"));
        }
        registered(catalog)?;
        let is_glue = catalog.eq_ignore_ascii_case(GLUE);
        let (catalog, permit) = match is_glue {
            true => (GLUE, permit.clone()),
            false => (catalog, permit.clone().with_connector()),
        };
        // `orders$partitions` tells of `orders`.
        let name = named.table.split('$').next().unwrap_or_default();
        let table = self.table_by(&permit, catalog, database, name).await?;
        let place = place(&table).ok_or_else(|| unknown(named, why_unknown(&table)))?;
        if !self.is_narrowed() && !is_plain(&table) {
            let why = "it has partitions or a format whose objects may lie elsewhere, and the token's own \
                       keys cannot be narrowed";
            return Err(unknown(named, why));
        }
        Ok(Adds::Bucket(place))
    }

    /// Whether AWS itself holds a query to its buckets: a session policy does, or all are granted.
    fn is_narrowed(&self) -> bool {
        matches!(self.source, Source::Role(_)) || matches!(self.authority.buckets(), Buckets::All)
    }
}

/// The bucket of a table's location, in any of the schemes that Hive knows.
fn place(table: &Table) -> Option<BucketName> {
    // Some tools write a location for a view too, which says nothing of what it reads.
    if is_view(table) {
        return None;
    }
    let (scheme, rest) = table.location.as_deref()?.split_once("://")?;
    let is_s3 = ["s3", "s3a", "s3n"].contains(&scheme);
    let bucket = rest.split('/').next().filter(|_| is_s3)?;
    BucketRef::parse(bucket).ok().map(|place| place.name)
}

fn is_view(table: &Table) -> bool {
    table.table_type.as_deref().is_some_and(|kind| kind.to_ascii_uppercase().contains("VIEW"))
}

fn why_unknown(table: &Table) -> &'static str {
    match is_view(table) {
        true => "it is a view, and what a view reads is not told",
        false => {
            "it has no location in S3. (Tabulator's tables are known by their data catalog, which the catalog's \
             config.json or QUILT_MCP_TABULATOR_CATALOG names)"
        }
    }
}

/// That a data catalog is one of the account's. `lambda:name` is none: Athena then calls any function of that
/// name, and the session policy of connectors names no function.
///
/// # Errors
/// What is wrong with it.
pub(super) fn registered(catalog: &str) -> Result<(), ToolError> {
    match catalog.contains(':') {
        true => Err(ToolError::invalid_arguments(
            "a data catalog has no colon in its name: functions are not called by their names here",
        )),
        false => Ok(()),
    }
}

/// Formats whose objects lie below the location of their table, and nowhere else: not lists of other
/// places (`SymlinkTextInputFormat`), not tables with metadata of their own (Iceberg, Delta, Hudi).
const PLAIN: &[&str] = &[
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.mapred.SequenceFileInputFormat",
    "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
];

fn is_plain(table: &Table) -> bool {
    let is_known = table.input_format.as_deref().is_some_and(|format| PLAIN.contains(&format));
    is_known && table.partition_keys.is_empty() && !table.has_own_metadata
}

fn unknown(table: &TableName, why: &'static str) -> ToolError {
    refused(format!("Which bucket {} reads cannot be told: {why}.", table.table))
}

fn refused(why: String) -> ToolError {
    ToolError::new(
        Code::QueryRefused,
        "The query was not started",
        why,
        "Name the tables themselves (athena_table_schema shows their location); or the operator sets \
         QUILT_MCP_ATHENA_SCOPE=role, and the role's own authority decides.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(location: Option<&str>, input_format: &str) -> Table {
        Table {
            name: "t".to_owned(),
            table_type: None,
            columns: Vec::new(),
            partition_keys: Vec::new(),
            location: location.map(str::to_owned),
            format: None,
            input_format: Some(input_format.to_owned()),
            serde: None,
            comment: None,
            created: None,
            has_own_metadata: false,
        }
    }

    #[test]
    fn a_location_names_its_bucket() {
        for (location, bucket) in [
            (Some("s3://mine/a/b"), Some("mine")),
            (Some("s3a://mine"), Some("mine")),
            (Some("s3://mine/%zz"), Some("mine")),
            (Some("hdfs://mine/a"), None),
            (Some("mine/a"), None),
            (Some("s3://"), None),
            (Some("s3://MINE/a"), None),
            (None, None),
        ] {
            let found = place(&table(location, PLAIN[0]));
            assert_eq!(found.as_ref().map(BucketName::as_str), bucket, "{location:?}");
        }
    }

    #[test]
    fn a_view_with_a_location_is_a_view() {
        for kind in ["VIRTUAL_VIEW", "virtual_view", "MATERIALIZED_VIEW"] {
            let view = table(Some("s3://mine/a"), PLAIN[0]);
            let view = Table { table_type: Some(kind.to_owned()), ..view };
            assert_eq!(place(&view), None, "{kind}");
            assert!(why_unknown(&view).contains("view"));
        }
    }

    #[test]
    fn only_known_formats_without_partitions_lie_in_their_location() {
        assert!(is_plain(&table(None, PLAIN[0])));
        for other in ["org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat", ""] {
            assert!(!is_plain(&table(None, other)), "{other}");
        }
        let key =
            super::super::TableColumn { name: "d".into(), kind: "date".into(), comment: None };
        let partitioned = Table { partition_keys: vec![key], ..table(None, PLAIN[0]) };
        assert!(!is_plain(&partitioned));
        assert!(!is_plain(&Table { has_own_metadata: true, ..table(None, PLAIN[0]) }));
    }
}
