//! Databases and tables, by Athena's own calls: it asks Glue, or a catalog's connector.

use aws_sdk_athena::types::TableMetadata;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Athena, GLUE, execution::timestamp, reach};
use crate::{
    domain::{Action, QueryPermit},
    error::ToolError,
};

/// One page of a list.
pub struct Listed<T> {
    /// In Athena's order.
    pub items: Vec<T>,
    /// `None` on the last page.
    pub next: Option<String>,
}

/// A database.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Database {
    /// Its name, to be quoted in SQL where it has other characters than `a-z0-9_`.
    pub name: String,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A column, or a partition key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, in Hive's words: `bigint`, `array<string>`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A table or a view.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// `EXTERNAL_TABLE`, `VIRTUAL_VIEW`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_type: Option<String>,
    /// Columns; not the partition keys.
    pub columns: Vec<TableColumn>,
    /// What it is partitioned by, in order.
    pub partition_keys: Vec<TableColumn>,
    /// Where its objects are: `s3://…`. Absent for views.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `csv`, `json`, `parquet`, … where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The class that reads the objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_format: Option<String>,
    /// The class that reads the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serde: Option<String>,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// It keeps lists of its objects of its own, as Iceberg does.
    #[serde(skip)]
    pub(super) has_own_metadata: bool,
}

impl Athena {
    /// `athena:ListDatabases`: one page.
    ///
    /// # Errors
    /// Denied by the token, or what Athena answered.
    pub async fn databases(
        &self,
        catalog: &str,
        next: Option<&str>,
        most: i32,
    ) -> Result<Listed<Database>, ToolError> {
        let permit = self.metadata_permit(Action::GetDatabases, catalog)?;
        let what = format!("Listing the databases of {catalog}");
        let answer = self.call(&permit, &what, |client| {
            let request = client.list_databases().catalog_name(catalog).max_results(most);
            request.set_next_token(next.map(str::to_owned)).send()
        });
        let answer = answer.await?;
        let database = |told: &aws_sdk_athena::types::Database| Database {
            name: told.name().to_owned(),
            description: said(told.description()),
        };
        let items = answer.database_list().iter().map(database).collect();
        Ok(Listed { items, next: answer.next_token().map(str::to_owned) })
    }

    /// `athena:ListTableMetadata`: one page; `expression` is a regular expression for names.
    ///
    /// # Errors
    /// Denied by the token, or what Athena answered.
    pub async fn tables(
        &self,
        catalog: &str,
        database: &str,
        expression: Option<&str>,
        next: Option<&str>,
        most: i32,
    ) -> Result<Listed<Table>, ToolError> {
        let permit = self.metadata_permit(Action::GetTables, catalog)?;
        let what = format!("Listing the tables of {database}");
        let answer = self.call(&permit, &what, |client| {
            let request = client.list_table_metadata().catalog_name(catalog).max_results(most);
            let request = request.database_name(database).set_next_token(next.map(str::to_owned));
            request.set_expression(expression.map(str::to_owned)).send()
        });
        let answer = answer.await?;
        let items = answer.table_metadata_list().iter().map(table).collect();
        Ok(Listed { items, next: answer.next_token().map(str::to_owned) })
    }

    /// `athena:GetTableMetadata`
    ///
    /// # Errors
    /// Denied by the token, or what Athena answered.
    pub async fn table(
        &self,
        catalog: &str,
        database: &str,
        name: &str,
    ) -> Result<Table, ToolError> {
        let permit = self.metadata_permit(Action::GetTable, catalog)?;
        self.table_by(&permit, catalog, database, name).await
    }

    /// The same, for who may do it for another reason.
    pub(super) async fn table_by(
        &self,
        permit: &QueryPermit,
        catalog: &str,
        database: &str,
        name: &str,
    ) -> Result<Table, ToolError> {
        let what = format!("Reading the table {database}.{name}");
        let answer = self.call(permit, &what, |client| {
            let request = client.get_table_metadata().catalog_name(catalog);
            request.database_name(database).table_name(name).send()
        });
        let answer = answer.await?;
        let told = answer.table_metadata().map(table);
        told.ok_or_else(|| super::failed::no_answer(&what))
    }

    /// Of other data catalogs than Glue's, a connector's function tells.
    fn metadata_permit(&self, action: Action, catalog: &str) -> Result<QueryPermit, ToolError> {
        let permit = self.authority.require_query(action, &[])?;
        reach::registered(catalog)?;
        Ok(match catalog.eq_ignore_ascii_case(GLUE) {
            true => permit,
            false => permit.with_connector(),
        })
    }
}

fn table(told: &TableMetadata) -> Table {
    let parameter = |name: &str| {
        let all = told.parameters()?;
        all.get(name).filter(|text| !text.is_empty()).cloned()
    };
    let input_format = parameter("inputformat");
    let own_metadata = ["metadata_location", "table_type", "spark.sql.sources.provider"];
    Table {
        name: told.name().to_owned(),
        table_type: told.table_type().map(str::to_owned),
        columns: told.columns().iter().map(column).collect(),
        partition_keys: told.partition_keys().iter().map(column).collect(),
        location: parameter("location"),
        format: parameter("classification").or_else(|| parameter("table_type")),
        input_format,
        serde: parameter("serde.serialization.lib"),
        comment: parameter("comment"),
        created: told.create_time().and_then(timestamp).map(|time| time.to_string()),
        has_own_metadata: own_metadata.iter().any(|name| parameter(name).is_some()),
    }
}

fn column(told: &aws_sdk_athena::types::Column) -> TableColumn {
    TableColumn {
        name: told.name().to_owned(),
        kind: told.r#type().unwrap_or_default().to_owned(),
        comment: said(told.comment()),
    }
}

fn said(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
