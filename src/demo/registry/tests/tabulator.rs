//! Tabulator tables, by both generations' mutations.

use super::*;

const CONFIG: &str = "
schema:
- { name: well, type: STRING }
- { name: absorbance, type: FLOAT }
source: { type: quilt-packages, package_name: ^a/.*$, logical_key: '.*\\.csv$' }
parser: { format: csv, header: true }
";

fn tables(desk: &Desk, bucket: &str) -> Value {
    let config = desk.run("alice", "bucket_config", json!({ "name": bucket }));
    config["bucketConfig"]["tabulatorTables"].clone()
}

/// Sets, renames and deletes a table.
fn live(desk: &Desk, suffix: &str, answer: impl Fn(&Value) -> Value) {
    let set = |table: &str, config: Value| {
        let variables = json!({ "bucketName": LAB, "tableName": table, "config": config });
        let data = desk.run("alice", &format!("tabulator_set{suffix}"), variables);
        answer(&data)["bucketSetTabulatorTable"].clone()
    };
    let rename = |table: &str, new: &str| {
        let variables = json!({ "bucketName": LAB, "tableName": table, "newTableName": new });
        let data = desk.run("alice", &format!("tabulator_rename{suffix}"), variables);
        answer(&data)["bucketRenameTabulatorTable"].clone()
    };
    let made = set("runs", json!(CONFIG));
    assert_eq!(made["tabulatorTables"], json!([{ "name": "runs", "config": CONFIG }]));
    assert_eq!(tables(desk, LAB), made["tabulatorTables"]);
    assert_eq!(tables(desk, SHARED), json!([]));
    for wrong in
        ["schema: []", "a: [", &CONFIG.replace("FLOAT", "REAL"), &CONFIG.replace("csv,", "xml,")]
    {
        assert_eq!(set("runs", json!(wrong))["errors"][0]["path"], "config", "{wrong}");
    }
    assert_eq!(set("1 2", json!(CONFIG))["errors"][0]["path"], "tableName");
    assert_eq!(rename("absent", "b")["name"], "TableNotFound");
    assert_eq!(rename("runs", "runs")["errors"][0]["path"], "newTableName");
    assert_eq!(rename("runs", "wells")["tabulatorTables"][0]["name"], "wells");
    assert_eq!(set("runs", Value::Null)["name"], "TableNotFound");
    assert_eq!(set("wells", Value::Null)["tabulatorTables"], json!([]));
}

#[test]
fn tables_live_in_both_generations() {
    let desk = Desk::new();
    live(&desk, "", Value::clone);
    desk.registry.make_admin("alice");
    for old in [false, true] {
        desk.registry.speak_old(old);
        live(&desk, "_old", |data| data["admin"].clone());
    }
}

#[test]
fn who_may_not_write_makes_no_table() {
    let desk = Desk::new();
    for (bucket, name) in
        [(SHARED, "Forbidden"), ("quilt-bob-lab", "BucketNotFound"), ("none", "BucketNotFound")]
    {
        let variables = json!({ "bucketName": bucket, "tableName": "t", "config": CONFIG });
        let refused = desk.run("alice", "tabulator_set", variables);
        assert_eq!(refused["bucketSetTabulatorTable"]["name"], name, "{bucket}");
    }
}
