//! Catalogs, databases, tables and workgroups, and what is told of a query.

use super::*;

#[tokio::test]
async fn metadata_by_pages_and_exactly() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let list = |token: Option<String>| {
        let call = alice.list_databases().catalog_name("awsdatacatalog").max_results(3);
        call.set_next_token(token).send()
    };
    let first = list(None).await.expect("listed");
    let names = |page: &[sdk::types::Database]| -> Vec<String> {
        page.iter().map(|database| database.name().to_owned()).collect()
    };
    assert_eq!(names(first.database_list()), ["default", LAB, "quilt-bob-lab"]);
    let second = list(first.next_token().map(str::to_owned)).await.expect("listed");
    assert_eq!(
        (names(second.database_list()), second.next_token()),
        (vec!["quilt-shared".to_owned()], None)
    );

    let get = |table: &str| {
        let call = alice.get_table_metadata().catalog_name(DATA_CATALOG).database_name(LAB);
        call.table_name(table).send()
    };
    let table = get("ABSORBANCE").await.expect("a table").table_metadata.expect("metadata");
    let keys: Vec<&str> = table.partition_keys().iter().map(|column| column.name()).collect();
    assert_eq!((table.columns().len(), keys), (4, vec!["month"]));
    let location = table.parameters().and_then(|all| all.get("location"));
    assert_eq!(location, Some(&format!("s3://{LAB}/measurements/")));
    assert_eq!(code(get("nope").await), "MetadataException");
    let parameters = table.parameters().expect("some");
    for (name, value) in [
        ("classification", "csv"),
        ("inputformat", "org.apache.hadoop.mapred.TextInputFormat"),
        ("outputformat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
        ("serde.serialization.lib", "org.apache.hadoop.hive.serde2.OpenCSVSerde"),
    ] {
        assert_eq!(parameters.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(table.table_type(), Some("EXTERNAL_TABLE"));
    let catalogs = alice.list_data_catalogs().send().await.expect("listed");
    assert_eq!(catalogs.data_catalogs_summary().len(), 2);
}

#[tokio::test]
async fn workgroups_say_where_results_go() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let groups = alice.list_work_groups().send().await.expect("listed");
    assert_eq!(groups.work_groups().len(), 3);
    let group = alice.get_work_group().work_group("quilt").send().await.expect("a group");
    let configuration = group.work_group.and_then(|group| group.configuration).expect("one");
    let output = configuration.result_configuration().and_then(|result| result.output_location());
    assert_eq!(output, Some("s3://quilt-athena-results/quilt/"));
    assert_eq!(configuration.enforce_work_group_configuration(), Some(true));
    assert_eq!(configuration.bytes_scanned_cutoff_per_query(), Some(10_000_000));
    let primary = alice.get_work_group().work_group("primary").send().await.expect("a group");
    let primary = primary.work_group.and_then(|group| group.configuration).expect("one");
    let nowhere = primary.result_configuration().and_then(|result| result.output_location());
    assert_eq!((nowhere, primary.enforce_work_group_configuration()), (None, Some(false)));
    let states = groups.work_groups().iter().map(|group| (group.name(), group.state()));
    let disabled = Some(&sdk::types::WorkGroupState::Disabled);
    let off: Vec<_> = states.filter(|(_, state)| *state == disabled).collect();
    assert_eq!(off, [(Some("retired"), disabled)]);
}

#[tokio::test]
async fn show_and_explain() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let id = start(&alice, "SHOW TABLES").await;
    assert_eq!(state(&over(&alice, &id).await), QueryExecutionState::Succeeded);
    let shown = rows(&alice, &id).await.1;
    assert_eq!(
        shown,
        cells(&[&[Some("absorbance")], &[Some("months")], &[Some("plates")], &[Some("summary")],])
    );
    let id = start(&alice, "EXPLAIN SELECT * FROM plates").await;
    assert_eq!(state(&over(&alice, &id).await), QueryExecutionState::Succeeded);
    let (kinds, steps) = rows(&alice, &id).await;
    assert_eq!(kinds, ["varchar"]);
    assert!(steps[0][0].as_deref().is_some_and(|step| step.contains("plates")), "{steps:?}");
    for options in ["ANALYZE", "ANALYZE VERBOSE", "(TYPE LOGICAL)", "(FORMAT JSON, TYPE IO)"] {
        let id = start(&alice, &format!("EXPLAIN {options} SELECT * FROM plates")).await;
        assert_eq!(state(&over(&alice, &id).await), QueryExecutionState::Succeeded, "{options}");
        assert_eq!(rows(&alice, &id).await.1, steps, "{options}");
    }
}

#[tokio::test]
async fn views_and_other_catalogs_have_no_location() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let get = async |catalog: &str, table: &str| {
        let call = alice.get_table_metadata().catalog_name(catalog).database_name(LAB);
        let answer = call.table_name(table).send().await.expect("a table");
        answer.table_metadata.expect("metadata")
    };
    let view = get(DATA_CATALOG, "months").await;
    let location = |table: &sdk::types::TableMetadata| {
        table.parameters().and_then(|all| all.get("location")).cloned()
    };
    assert_eq!((view.table_type(), location(&view)), (Some("VIRTUAL_VIEW"), None));
    let (_, found) = run(&alice, "SELECT month, readings FROM months").await.expect("rows");
    assert_eq!(found, cells(&[&[Some("2026-01"), Some("24")], &[Some("2026-02"), Some("48")]]));
    let (_, found) =
        run(&alice, "SELECT count(*) FROM \"quilt-shared\".months").await.expect("rows");
    assert_eq!(found, cells(&[&[Some("2")]]), "in another database too");

    let call = alice.get_data_catalog().name(TABULATOR_CATALOG).send().await.expect("known");
    let kind = call.data_catalog.map(|catalog| catalog.r#type);
    assert_eq!(kind, Some(sdk::types::DataCatalogType::Lambda));
    let tables = alice.list_table_metadata().catalog_name(TABULATOR_CATALOG).database_name(LAB);
    assert_eq!(tables.send().await.expect("listed").table_metadata_list().len(), 1);
    assert_eq!(location(&get(TABULATOR_CATALOG, "plates").await), None);
    let sql = format!("SELECT count(*) FROM \"{TABULATOR_CATALOG}\".\"{LAB}\".\"plates\"");
    assert_eq!(run(&alice, &sql).await.expect("rows").1, cells(&[&[Some("108")]]));
    let context = QueryExecutionContext::builder().catalog(TABULATOR_CATALOG).database(LAB).build();
    let started = alice.start_query_execution().work_group("quilt");
    let started = started.query_string("SELECT * FROM plates").query_execution_context(context);
    let id = started.send().await.expect("started").query_execution_id.expect("an id");
    assert_eq!(state(&over(&alice, &id).await), QueryExecutionState::Succeeded);
}

#[tokio::test]
async fn what_is_told_of_a_query() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    for (sql, kind, sub) in [
        ("SELECT 1", "DML", "SELECT"),
        ("SHOW TABLES", "UTILITY", "SHOW"),
        ("EXPLAIN SELECT 1", "UTILITY", "EXPLAIN"),
        ("DROP TABLE plates", "DDL", "DROP_TABLE"),
    ] {
        let id = start(&alice, sql).await;
        let query = over(&alice, &id).await;
        assert_eq!(query.statement_type().map(|kind| kind.as_str()), Some(kind), "{sql}");
        assert_eq!(query.substatement_type(), Some(sub), "{sql}");
        assert_eq!((query.query(), query.work_group()), (Some(sql), Some("quilt")));
        let all = query.statistics().expect("statistics");
        assert!(all.total_execution_time_in_millis().is_some_and(|millis| millis >= 0), "{sql}");
        let status = query.status().expect("a status");
        assert!(status.completion_date_time() >= status.submission_date_time(), "{sql}");
        let failed = state(&query) == QueryExecutionState::Failed;
        assert_eq!(failed, sql.starts_with("DROP"), "{sql}");
        let category = status.athena_error().and_then(|error| error.error_category());
        assert_eq!(category, failed.then_some(2), "{sql}");
    }
}
