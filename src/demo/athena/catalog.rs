//! Databases and tables, as Glue would hold them, and what of them every world has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::demo::seed::BUCKETS;

/// The catalog that a query uses when it names none: Glue's.
pub const DATA_CATALOG: &str = "AwsDataCatalog";
/// The catalog of the demo's stack that has the tables over packages; a function of Lambda's of the same name reads
/// them.
pub const TABULATOR_CATALOG: &str = "quilt-demo-tabulator";

/// One column, with its type as Glue writes it (`string`, `array<bigint>`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// In small letters.
    pub name: String,
    /// `string`, `int`, `bigint`, `double`, `boolean`, `date`, `timestamp`, `decimal(p,s)`, `array<…>`, `map<…>` or
    /// `struct<…>`.
    pub kind: String,
}

/// How a table's objects are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma separated values, with double quotes where needed.
    Csv {
        /// Whether the first line of each object is not data.
        header: bool,
    },
    /// JSON objects one after the other, on one line each or not.
    Json,
}

/// A table over a folder of S3.
#[derive(Clone, Debug)]
pub struct Table {
    /// In small letters.
    pub name: String,
    /// Those in the objects, in their order.
    pub columns: Vec<Column>,
    /// Those in the names of the folders under the location, outermost first: `2026-01/` or `month=2026-01/`.
    pub partition_keys: Vec<Column>,
    /// `s3://bucket/folder/`; empty for a view.
    pub location: String,
    /// How the objects are read.
    pub format: Format,
    /// The query that it is, over tables of its own database; none for a table.
    pub view: Option<String>,
}

/// Databases and their tables, by name.
pub(super) type Databases = BTreeMap<String, BTreeMap<String, Table>>;

impl Column {
    /// A column.
    #[must_use]
    pub fn new(name: &str, kind: &str) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned() }
    }
}

impl Table {
    /// Those of the objects and those of the folders.
    pub(super) fn all_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(&self.partition_keys)
    }

    /// Athena's `TableMetadata`. Only Glue knows where a table is, and of a view not even Glue.
    pub(super) fn metadata(&self, catalog: &str) -> Value {
        let columns = |columns: &[Column]| {
            let one = |column: &Column| json!({ "Name": column.name, "Type": column.kind });
            Value::Array(columns.iter().map(one).collect())
        };
        let (kind, parameters) = match self.view {
            Some(_) => {
                ("VIRTUAL_VIEW", named(&[("comment", "Presto View"), ("presto_view", "true")]))
            }
            None if catalog == DATA_CATALOG => ("EXTERNAL_TABLE", self.storage()),
            None => ("EXTERNAL_TABLE", Map::new()),
        };
        json!({
            "Name": self.name,
            "CreateTime": 1_767_225_600,
            "TableType": kind,
            "Columns": columns(&self.columns),
            "PartitionKeys": columns(&self.partition_keys),
            "Parameters": parameters,
        })
    }

    fn storage(&self) -> Map<String, Value> {
        let (classification, input, output, serde) = match self.format {
            Format::Csv { .. } => (
                "csv",
                "org.apache.hadoop.mapred.TextInputFormat",
                "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            ),
            // The reader of JSON that spans lines.
            Format::Json => (
                "json",
                "com.amazon.ionhiveserde.formats.IonInputFormat",
                "com.amazon.ionhiveserde.formats.IonOutputFormat",
                "com.amazon.ionhiveserde.IonHiveSerDe",
            ),
        };
        let mut parameters = named(&[
            ("EXTERNAL", "TRUE"),
            ("classification", classification),
            ("inputformat", input),
            ("location", &self.location),
            ("outputformat", output),
            ("serde.serialization.lib", serde),
        ]);
        if self.format == (Format::Csv { header: true }) {
            parameters.extend(named(&[("skip.header.line.count", "1")]));
        }
        parameters
    }
}

fn named(parameters: &[(&str, &str)]) -> Map<String, Value> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

/// A database for each bucket of the demo, and an empty `default`.
pub(super) fn seeded() -> BTreeMap<String, Databases> {
    let (mut glue, mut tabulator) = (Databases::new(), Databases::new());
    glue.insert("default".to_owned(), BTreeMap::new());
    let keyed = |table: Table| (table.name.clone(), table);
    for bucket in BUCKETS {
        let (name, both) = (bucket.name, [summary(bucket.name), plates(bucket.name)]);
        let tables = both.into_iter().chain([absorbance(name), months()]);
        glue.insert(name.to_owned(), tables.map(keyed).collect());
        let tables = [plates(name)].into_iter().map(keyed).collect();
        tabulator.insert(bucket.name.to_owned(), tables);
    }
    [(DATA_CATALOG.to_owned(), glue), (TABULATOR_CATALOG.to_owned(), tabulator)].into()
}

fn absorbance(bucket: &str) -> Table {
    Table {
        name: "absorbance".to_owned(),
        columns: vec![
            Column::new("time_s", "bigint"),
            Column::new("well", "string"),
            Column::new("absorbance_405nm", "double"),
            Column::new("source", "string"),
        ],
        partition_keys: vec![Column::new("month", "string")],
        location: format!("s3://{bucket}/measurements/"),
        format: Format::Csv { header: true },
        view: None,
    }
}

/// A view.
fn months() -> Table {
    let sql = "SELECT month, count(*) AS readings, max(absorbance_405nm) AS highest \
               FROM absorbance GROUP BY month";
    Table {
        name: "months".to_owned(),
        columns: vec![
            Column::new("month", "string"),
            Column::new("readings", "bigint"),
            Column::new("highest", "double"),
        ],
        partition_keys: Vec::new(),
        location: String::new(),
        format: Format::Csv { header: false },
        view: Some(sql.to_owned()),
    }
}

fn summary(bucket: &str) -> Table {
    Table {
        name: "summary".to_owned(),
        columns: vec![
            Column::new("bucket", "string"),
            Column::new("instrument", "string"),
            Column::new("runs", "array<struct<month:string,rows:bigint>>"),
            Column::new("kinetics", "struct<km_s:double,unit:string,vmax:double>"),
        ],
        partition_keys: Vec::new(),
        location: format!("s3://{bucket}/measurements/"),
        format: Format::Json,
        view: None,
    }
}

fn plates(bucket: &str) -> Table {
    Table {
        name: "plates".to_owned(),
        columns: vec![Column::new("property", "string"), Column::new("value", "string")],
        partition_keys: Vec::new(),
        location: format!("s3://{bucket}/plates/"),
        format: Format::Csv { header: false },
        view: None,
    }
}
