//! Databases and tables, as Glue would hold them, and what of them every world has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::demo::seed::BUCKETS;

/// The catalog that a query uses when it names none: Glue's.
pub const DATA_CATALOG: &str = "AwsDataCatalog";
/// The catalog of the demo's stack that has the tables over packages.
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
    /// `s3://bucket/folder/`
    pub location: String,
    /// How the objects are read.
    pub format: Format,
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

    /// Athena's `TableMetadata`.
    pub(super) fn metadata(&self) -> Value {
        let columns = |columns: &[Column]| {
            let one = |column: &Column| json!({ "Name": column.name, "Type": column.kind });
            Value::Array(columns.iter().map(one).collect())
        };
        let mut parameters = Map::new();
        let (serde, more): (&str, &[(&str, &str)]) = match self.format {
            Format::Csv { header: true } => (
                "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                &[("classification", "csv"), ("skip.header.line.count", "1")],
            ),
            Format::Csv { header: false } => {
                ("org.apache.hadoop.hive.serde2.OpenCSVSerde", &[("classification", "csv")])
            }
            Format::Json => ("com.amazon.ionhiveserde.IonHiveSerDe", &[("classification", "json")]),
        };
        let fixed = [
            ("EXTERNAL", "TRUE"),
            ("inputformat", "org.apache.hadoop.mapred.TextInputFormat"),
            ("location", self.location.as_str()),
            ("outputformat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
            ("serde.serialization.lib", serde),
        ];
        for (name, value) in fixed.iter().chain(more) {
            parameters.insert((*name).to_owned(), (*value).into());
        }
        json!({
            "Name": self.name,
            "CreateTime": 1_767_225_600,
            "TableType": "EXTERNAL_TABLE",
            "Columns": columns(&self.columns),
            "PartitionKeys": columns(&self.partition_keys),
            "Parameters": parameters,
        })
    }
}

/// A database for each bucket of the demo, and an empty `default`.
pub(super) fn seeded() -> BTreeMap<String, Databases> {
    let (mut glue, mut tabulator) = (Databases::new(), Databases::new());
    glue.insert("default".to_owned(), BTreeMap::new());
    let named = |table: Table| (table.name.clone(), table);
    for bucket in BUCKETS {
        let tables = [absorbance(bucket.name), summary(bucket.name), plates(bucket.name)];
        glue.insert(bucket.name.to_owned(), tables.into_iter().map(named).collect());
        let tables = [plates(bucket.name)].into_iter().map(named).collect();
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
    }
}

fn plates(bucket: &str) -> Table {
    Table {
        name: "plates".to_owned(),
        columns: vec![Column::new("property", "string"), Column::new("value", "string")],
        partition_keys: Vec::new(),
        location: format!("s3://{bucket}/plates/"),
        format: Format::Csv { header: false },
    }
}
