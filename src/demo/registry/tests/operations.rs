//! The documents of the catalog's client, against both generations of the schema.

use std::collections::BTreeSet;

use apollo_compiler::ExecutableDocument;

use super::*;

/// In which generations an operation is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    Both,
    New,
    Old,
}

const OPERATIONS: &[(&str, In)] = &[
    ("admin_roles_list", In::Both),
    ("admin_sso_config_get", In::Both),
    ("admin_sso_config_set", In::Both),
    ("admin_tabulator_open_query_get", In::Both),
    ("admin_tabulator_open_query_set", In::Both),
    ("admin_user_add_roles", In::Both),
    ("admin_user_create", In::Both),
    ("admin_user_delete", In::Both),
    ("admin_user_get", In::Both),
    ("admin_user_remove_roles", In::Both),
    ("admin_user_reset_password", In::Both),
    ("admin_user_set_active", In::Both),
    ("admin_user_set_admin", In::Both),
    ("admin_user_set_email", In::Both),
    ("admin_user_set_role", In::Both),
    ("admin_users_list", In::Both),
    ("bucket_config", In::Both),
    ("bucket_configs", In::Both),
    ("generation", In::Both),
    ("me", In::Both),
    ("package_construct", In::Both),
    ("search_more_objects", In::New),
    // What has no arm for OperationError is valid in both, and would hide its message in today's.
    ("search_more_objects_old", In::Both),
    ("search_more_packages", In::New),
    ("search_more_packages_old", In::Both),
    ("search_objects", In::New),
    ("search_objects_old", In::Both),
    ("search_packages", In::New),
    ("search_packages_old", In::Old),
    ("switch_role", In::Both),
    ("tabulator_rename", In::New),
    // Deprecated in today's, and there.
    ("tabulator_rename_old", In::Both),
    ("tabulator_set", In::New),
    ("tabulator_set_old", In::Both),
];

#[test]
fn every_operation_is_valid_where_it_is_sent() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog/operations");
    let names = std::fs::read_dir(folder).expect("the folder").map(|file| {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        name.strip_suffix(".graphql").expect("an operation").to_owned()
    });
    let rows = OPERATIONS.iter().map(|(name, _)| (*name).to_owned());
    let (names, rows) = (names.collect::<BTreeSet<_>>(), rows.collect::<BTreeSet<_>>());
    assert_eq!(names, rows, "every file has a row, and every row a file");
    for (name, generations) in OPERATIONS {
        let text = operation(name);
        for old in [false, true] {
            let schema = graphql::schema(old).expect("a valid schema");
            let result = ExecutableDocument::parse_and_validate(schema, text.clone(), "it.graphql");
            let should = *generations != if old { In::New } else { In::Old };
            let errors = result.as_ref().err().map(|wrong| wrong.errors.to_string());
            assert_eq!(result.is_ok(), should, "{name}, old: {old}: {errors:?}");
            if let Ok(document) = result {
                assert_eq!(document.operations.len(), 1, "{name}");
            }
        }
    }
}

#[test]
fn a_registry_tells_its_generation() {
    let desk = Desk::new();
    let told = |desk: &Desk| desk.run("alice", "generation", json!({}))["__type"].clone();
    assert_eq!(told(&desk), json!({ "name": "PackagesFirstPageResult" }));
    desk.registry.speak_old(true);
    assert_eq!(told(&desk), Value::Null);
    let new = desk.ask("alice", &operation("search_packages"), &json!({ "latestOnly": true }));
    assert!(new.get("data").is_none() && new.get("errors").is_some(), "{new}");
}
