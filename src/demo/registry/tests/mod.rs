//! The registry stand-in, without HTTP.

mod admin;
mod operations;
mod search;
mod tabulator;

use serde_json::{Value, json};

use super::{
    directory::{Account, Registry},
    graphql::{self, View},
};
use crate::demo::{
    roles::{Access, QuiltRole, User},
    seed,
    store::Store,
};

fn store() -> Store {
    let store = Store::default();
    seed::plant(&store).expect("room");
    store
}

/// A registry with its people and objects. Alice writes into her lab and the shared bucket, and may read
/// only as `Reader`; Bob has his lab.
struct Desk {
    store: Store,
    registry: Registry,
}

const SHARED: &str = "quilt-shared";
const LAB: &str = "quilt-alice-lab";

impl Desk {
    fn new() -> Self {
        let role = |name: &str, buckets: &[(&str, Access)]| QuiltRole::new(name, name, buckets);
        let roles = vec![
            role("Alices", &[(SHARED, Access::Read), (LAB, Access::Write)]),
            role("Bobs", &[(SHARED, Access::Read), ("quilt-bob-lab", Access::Write)]),
            role("Reader", &[(SHARED, Access::Read)]),
        ];
        let registry = Registry::new(roles.clone()).expect("randomness");
        for (name, role) in ["alice", "bob"].into_iter().zip(&roles) {
            let user = User {
                name: name.to_owned(),
                subject: format!("{name}-1"),
                role_name: role.name.clone(),
                role_arn: role.arn.clone(),
                buckets: role.buckets.clone(),
                permissions: role.permissions(),
                catalog_token: String::new(),
                api_key: format!("qk_{name}"),
            };
            registry.enrol(&user, "uuid");
        }
        Self { store: store(), registry }
    }

    fn account(&self, name: &str) -> Account {
        self.registry.authenticate(&format!("qk_{name}")).expect("a user")
    }

    fn ask(&self, name: &str, query: &str, variables: &Value) -> Value {
        let account = self.account(name);
        let view = View { account: &account, store: &self.store, registry: &self.registry };
        let body = json!({ "query": query, "variables": variables }).to_string();
        graphql::answer(view, body.as_bytes()).1
    }

    /// The answer's data, to an operation of the catalog's client.
    fn run(&self, name: &str, file: &str, variables: Value) -> Value {
        let answer = self.ask(name, &operation(file), &variables);
        assert!(answer.get("errors").is_none(), "{file}: {answer}");
        answer["data"].clone()
    }
}

/// The text of an operation of the catalog's client.
fn operation(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog/operations");
    std::fs::read_to_string(format!("{folder}/{file}.graphql")).expect("an operation")
}

#[test]
fn answers_what_is_asked_and_no_more() {
    let desk = Desk::new();
    let ask = |query| desk.ask("alice", query, &json!({}));
    assert_eq!(
        ask("{ who: me { ...M role { name } } } fragment M on Me { name isAdmin }"),
        json!({ "data": { "who": {
            "name": "alice", "isAdmin": false, "role": { "name": "Alices" },
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

fn construct(desk: &Desk, bucket: &str, entries: &Value) -> Value {
    let params =
        json!({ "bucket": bucket, "name": "a/b", "message": "why", "userMeta": { "k": [1] } });
    let variables = json!({ "params": params, "src": { "entries": entries } });
    desk.run("alice", "package_construct", variables)["packageConstruct"].clone()
}

#[test]
fn a_package_is_made_of_objects_and_shown() {
    let desk = Desk::new();
    let entry = |key: &str, of: &str| json!({ "logicalKey": key, "physicalKey": of });
    let entries = json!([
        entry("d/report.txt", "s3://quilt-alice-lab/results/report.txt"),
        entry("README.md", "s3://quilt-shared/README.md"),
    ]);
    let made = construct(&desk, "quilt-alice-lab", &entries);
    let hash = made["revision"]["hash"].as_str().expect("a revision");
    assert!(desk.store.keys("quilt-alice-lab").contains(&format!(".quilt/packages/{hash}")));
    let seen = desk.ask(
        "alice",
        "{ packages(bucket: \"quilt-alice-lab\") { total page { name revisions { total } } }
           package(bucket: \"quilt-alice-lab\", name: \"a/b\") { revision {
             hash message userMeta totalEntries
             dir(path: \"\") { children { ... on PackageDir { path } ... on PackageFile { path } } }
             file(path: \"d/report.txt\") { size physicalKey }
             contentsFlatMap(max: 1)
           } } }",
        &json!({}),
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
        assert_eq!(construct(&desk, bucket, &entries)["__typename"], kind, "{bucket} {key}");
    }
    let foreign = json!([entry("k", "s3://quilt-bob-lab/README.md")]);
    assert_eq!(construct(&desk, "quilt-alice-lab", &foreign)["name"], "AccessDenied");
    let local = json!([entry("k", "file:///etc/passwd")]);
    let refused = construct(&desk, "quilt-alice-lab", &local);
    assert_eq!(refused["errors"][0]["path"], "src.entries.0.physicalKey");
}
