use serde_json::{Value, json};

use super::{
    directory::Account,
    graphql::{self, View},
};
use crate::demo::{
    roles::{Access, QuiltRole},
    seed,
    store::Store,
};

fn store() -> Store {
    let store = Store::default();
    seed::plant(&store).expect("room");
    store
}

fn ask(store: &Store, query: &str, variables: Value) -> Value {
    let buckets = [("quilt-shared", Access::Read), ("quilt-alice-lab", Access::Write)];
    let account = Account {
        name: "alice".to_owned(),
        email: "a@demo.invalid".to_owned(),
        role_names: vec!["R".to_owned()],
        role: QuiltRole::new("R", "I", &buckets),
    };
    let body = json!({ "query": query, "variables": variables }).to_string();
    graphql::answer(View { account: &account, store }, body.as_bytes()).1
}

#[test]
fn answers_what_is_asked_and_no_more() {
    let store = store();
    let ask = |query| ask(&store, query, json!({}));
    assert_eq!(
        ask("{ who: me { ...M role { name } } } fragment M on Me { name isAdmin }"),
        json!({ "data": { "who": {
            "name": "alice", "isAdmin": false, "role": { "name": "R" },
        } } })
    );
    assert_eq!(
        ask("query { bucketConfigs { name } bucketConfig(name: \"quilt-bob-lab\") { name } }"),
        json!({ "data": {
            "bucketConfigs": [{ "name": "quilt-alice-lab" }, { "name": "quilt-shared" }],
            "bucketConfig": null,
        } })
    );
    for query in [
        "",
        "{ secrets }",
        "{ me }",
        "{ me { password } }",
        "{ me { name { x } } }",
        "{ me { name } } { me { name } }",
        "mutation { switchRole }",
        "{ package(bucket: \"b\") { name } }",
        "nonsense",
    ] {
        let answer = ask(query);
        assert!(answer.get("errors").is_some() && answer.get("data").is_none(), "{query}");
    }
}

const CONSTRUCT: &str = include_str!("../../catalog/package_construct.graphql");

fn construct(store: &Store, bucket: &str, entries: &Value) -> Value {
    let params =
        json!({ "bucket": bucket, "name": "a/b", "message": "why", "userMeta": { "k": [1] } });
    let answer = ask(store, CONSTRUCT, json!({ "params": params, "src": { "entries": entries } }));
    answer["data"]["packageConstruct"].clone()
}

#[test]
fn a_package_is_made_of_objects_and_shown() {
    let store = store();
    let entry = |key: &str, of: &str| json!({ "logicalKey": key, "physicalKey": of });
    let entries = json!([
        entry("d/report.txt", "s3://quilt-alice-lab/results/report.txt"),
        entry("README.md", "s3://quilt-shared/README.md"),
    ]);
    let made = construct(&store, "quilt-alice-lab", &entries);
    let hash = made["revision"]["hash"].as_str().expect("a revision");
    assert!(store.keys("quilt-alice-lab").contains(&format!(".quilt/packages/{hash}")));
    let seen = ask(
        &store,
        "{ packages(bucket: \"quilt-alice-lab\") { total page { name revisions { total } } }
           package(bucket: \"quilt-alice-lab\", name: \"a/b\") { revision {
             hash message userMeta totalEntries
             dir(path: \"\") { children { ... on PackageDir { path } ... on PackageFile { path } } }
             file(path: \"d/report.txt\") { size physicalKey }
             contentsFlatMap(max: 1)
           } } }",
        json!({}),
    );
    let list = json!({ "total": 1, "page": [{ "name": "a/b", "revisions": { "total": 1 } }] });
    assert_eq!(seen["data"]["packages"], list);
    assert_eq!(
        seen["data"]["package"]["revision"],
        json!({
            "hash": hash, "message": "why", "userMeta": { "k": [1] }, "totalEntries": 2,
            "dir": { "children": [{ "path": "d" }, { "path": "README.md" }] },
            "file": {
                "size": 25.0, "physicalKey": "s3://quilt-alice-lab/results/report.txt",
            },
            "contentsFlatMap": null,
        })
    );
    for (bucket, key, kind) in [
        ("quilt-shared", "results/report.txt", "OperationError"),
        ("quilt-alice-lab", "no/such", "OperationError"),
    ] {
        let entries = json!([entry("k", &format!("s3://quilt-alice-lab/{key}"))]);
        assert_eq!(construct(&store, bucket, &entries)["__typename"], kind, "{bucket} {key}");
    }
    let foreign = json!([entry("k", "s3://quilt-bob-lab/README.md")]);
    assert_eq!(construct(&store, "quilt-alice-lab", &foreign)["name"], "AccessDenied");
    let local = json!([entry("k", "file:///etc/passwd")]);
    let refused = construct(&store, "quilt-alice-lab", &local);
    assert_eq!(refused["errors"][0]["path"], "src.entries.0.physicalKey");
}
