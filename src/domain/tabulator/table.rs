//! A table that is valid, and how it is written.

use schemars::JsonSchema;
use serde::Serialize;

use super::pattern;

/// The only kind of source there is.
pub const SOURCE_TYPE: &str = "quilt-packages";

/// A tabulator table. [`super::Draft::check`] and [`Table::from_yaml`] make only valid ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Table {
    /// Its columns, in their order; at least one.
    pub schema: Vec<Column>,
    /// Which files are in it.
    pub source: Source,
    /// How they are read.
    pub parser: Parser,
    /// Whether a file that cannot be read is skipped, and noted in the column `$issue`, instead of failing
    /// the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<bool>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// A letter, then letters, digits, `_` and `-`.
    pub name: String,
    /// What is in it.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Whether a file may lack it; absent is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}

/// What is in a column, by Athena's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// A whole number of 8 bits.
    TinyInt,
    /// A whole number of 16 bits.
    SmallInt,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    BigInt,
    /// A number with a point, of 32 bits.
    Float,
    /// A number with a point, of 64 bits.
    Double,
    /// Text.
    String,
    /// Bytes.
    Binary,
    /// A day.
    Date,
    /// A moment.
    Timestamp,
}

/// Which files are in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source {
    /// A regular expression for names of packages; its named groups are columns too.
    pub package_name: String,
    /// A regular expression for logical keys; its named groups are columns too.
    pub logical_key: String,
}

/// How files are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "format", rename_all = "lowercase")]
pub enum Parser {
    /// Text with a delimiter. Tab-separated files are these too, with a tab.
    Csv {
        /// Between the fields; absent is a comma.
        #[serde(skip_serializing_if = "Option::is_none")]
        delimiter: Option<char>,
        /// Whether the first row has the columns' names; absent is no.
        #[serde(skip_serializing_if = "Option::is_none")]
        header: Option<bool>,
        /// Rows at the beginning that are no data.
        #[serde(skip_serializing_if = "is_zero")]
        skip_rows: u32,
    },
    /// Apache Parquet.
    Parquet,
}

/// Whether there is nothing to skip; serde asks by reference.
fn is_zero(rows: &u32) -> bool {
    *rows == 0
}

impl ColumnType {
    /// Every type, in the order in which errors list them.
    pub const ALL: [Self; 11] = [
        Self::String,
        Self::Int,
        Self::Float,
        Self::Boolean,
        Self::Timestamp,
        Self::Date,
        Self::Double,
        Self::BigInt,
        Self::SmallInt,
        Self::TinyInt,
        Self::Binary,
    ];

    /// As the configuration spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::String => "STRING",
            Self::Binary => "BINARY",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        }
    }
}

impl Table {
    /// The configuration as the registry takes it. [`Table::from_yaml`] reads it back as the same.
    pub fn to_yaml(&self) -> String {
        let mut lines = vec!["schema:".to_owned()];
        for column in &self.schema {
            lines.push(format!("  - name: {}", name(&column.name)));
            lines.push(format!("    type: {}", column.column_type.as_str()));
            lines.extend(column.nullable.map(|is| format!("    nullable: {is}")));
        }
        lines.push("source:".to_owned());
        lines.push(format!("  type: {SOURCE_TYPE}"));
        lines.push(format!("  package_name: {}", quoted(&self.source.package_name)));
        lines.push(format!("  logical_key: {}", quoted(&self.source.logical_key)));
        lines.push("parser:".to_owned());
        match self.parser {
            Parser::Parquet => lines.push("  format: parquet".to_owned()),
            Parser::Csv { delimiter, header, skip_rows } => {
                lines.push("  format: csv".to_owned());
                let delimiter = delimiter.map(|c| quoted(c.encode_utf8(&mut [0; 4])));
                lines.extend(delimiter.map(|delimiter| format!("  delimiter: {delimiter}")));
                lines.extend(header.map(|is| format!("  header: {is}")));
                lines.extend((skip_rows > 0).then(|| format!("  skip_rows: {skip_rows}")));
            }
        }
        lines.extend(self.continue_on_error.map(|is| format!("continue_on_error: {is}")));
        format!("{}\n", lines.join("\n"))
    }

    /// The columns that the patterns' named groups add, in their order; one that both name, once.
    pub fn group_columns(&self) -> Vec<String> {
        let mut names = Vec::new();
        for pattern in [&self.source.package_name, &self.source.logical_key] {
            for name in pattern::groups(pattern).unwrap_or_default() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// What a registry may refuse although this server takes it, for the user to see before it is sent.
    pub fn doubts(&self) -> Vec<String> {
        match self.parser {
            Parser::Csv { skip_rows: 1.., .. } => {
                let doubt = "parser.skip_rows: the form that Quilt publishes for these tables does \
                             not have it, and a registry that holds to it refuses the table";
                vec![doubt.to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// A column's name: in quotes where it would be read as something else than a text.
fn name(name: &str) -> String {
    const OTHERS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    match OTHERS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        true => quoted(name),
        false => name.to_owned(),
    }
}

/// A text in double quotes, by the rules of YAML 1.1 and 1.2.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => {
                let code = u32::from(c);
                let is_wide = code > 0xFFFF;
                out += &if is_wide { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") };
            }
        }
    }
    out.push('"');
    out
}
