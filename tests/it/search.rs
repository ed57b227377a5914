//! Searches, by who answers them and for whom.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, stream};
use quilt_mcp_server::demo::{
    Fault, Service,
    client::{Answer, Client},
};
use serde_json::{Value, json};

use crate::{
    packages::Revision,
    support::{TestApp, lab},
};

const SHARED: &str = "quilt-shared";

fn catalog(app: &TestApp, name: &str) -> Client {
    app.anonymous().with_token(app.user(name).catalog_token.clone())
}

async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    client.call(tool, arguments).await.unwrap()
}

async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = call(client, tool, arguments).await;
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

async fn refused(client: &Client, tool: &str, arguments: Value) -> String {
    call(client, tool, arguments).await.code().unwrap()
}

/// `bucket/key` or `bucket/name` of every hit.
fn names(section: &Value) -> Vec<String> {
    let hits = section["hits"].as_array().expect("hits");
    let name = |hit: &Value| {
        let name = hit["key"].as_str().or(hit["package_name"].as_str()).unwrap();
        format!("{}/{name}", hit["bucket"].as_str().unwrap())
    };
    hits.iter().map(name).collect()
}

fn make_packages(app: &TestApp) {
    for (name, n) in [("lab/first", 1), ("lab/second", 2)] {
        let plate = format!("s3://{}/plates/plate-00{n}.csv", lab("alice"));
        let metadata = json!({"run": {"n": n}, "kind": "assay", "good": n == 2});
        Revision::new()
            .header("message", json!("a plate"))
            .header("user_meta", metadata)
            .entry("plate.csv", &plate, n, json!({}))
            .push(app, &lab("alice"), name, 1_700_000_000 + n);
    }
}

/// The next call of the registry answers as usual, and the one behind it is refused: that is GraphQL's
/// search, so the index is asked.
fn refuse_graphql(app: &TestApp) {
    let faults = app.world().faults();
    faults.inject(Service::Registry, Fault::Delay(Duration::ZERO), 1);
    faults.inject(Service::Registry, Fault::FORBIDDEN, 1);
}

#[tokio::test]
async fn hints_become_filters_and_totals_are_true_over_all_pages() {
    for old in [false, true] {
        let app = TestApp::start().await;
        app.world().registry().speak_old(old);
        let alice = catalog(&app, "alice");
        let mut arguments = json!({"query": "plate-0 csv files smaller than 1 MB since 2000",
            "limit": 30});
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = done(&alice, "unified_search", arguments.clone()).await;
            assert_eq!(page["text"], "plate-0");
            assert_eq!(page["interpreted"].as_array().unwrap().len(), 3);
            let objects = &page["objects"];
            assert_eq!((&objects["backend"], &objects["total"]), (&json!("graphql"), &json!(72)));
            assert_eq!(objects["complete"], true);
            // Extensions are not for packages, and that is said beside the objects.
            let note = page.pointer("/packages/note").and_then(Value::as_str);
            assert_eq!(note.is_some_and(|note| note.starts_with("Not searched")), pages == 0);
            assert_eq!(page.pointer("/packages/error"), None);
            found.extend(names(objects));
            pages += 1;
            match page["next"].as_str() {
                Some(next) => arguments["next"] = json!(next),
                None => break,
            }
        }
        assert_eq!((pages, found.len()), (3, 72));
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 72, "no hit twice");
    }
}

#[tokio::test]
async fn a_registry_of_the_older_generation_is_searched_too() {
    let app = TestApp::start().await;
    make_packages(&app);
    app.world().registry().speak_old(true);
    let alice = catalog(&app, "alice");
    for query in ["second", ""] {
        let mut arguments = json!({"query": query, "limit": 1, "bucket": lab("alice")});
        let first = done(&alice, "unified_search", arguments.clone()).await;
        assert_eq!(first["packages"]["backend"], "graphql", "{first}");
        assert_eq!(first["packages"]["total"], if query.is_empty() { 2 } else { 1 });
        if query.is_empty() {
            arguments["next"] = first["next"].clone();
            let second = done(&alice, "unified_search", arguments).await;
            assert_ne!(names(&first["packages"]), names(&second["packages"]));
            assert_eq!(second["packages"]["total"], 2);
        }
    }
}

#[tokio::test]
async fn packages_are_found_by_words_and_metadata() {
    let app = TestApp::start().await;
    make_packages(&app);
    let alice = catalog(&app, "alice");
    let found = done(&alice, "packages_search", json!({"query": "second"})).await;
    assert_eq!(names(&found["packages"]), [format!("{}/lab/second", lab("alice"))]);
    let hit = &found["packages"]["hits"][0];
    assert_eq!((&hit["comment"], &hit["total_entries"]), (&json!("a plate"), &json!(1)));
    assert_eq!(hit["matched_in"], json!(["name"]));
    assert_eq!(found["objects"], Value::Null);
    for (metadata, expected) in [
        (json!({"/run/n": 2}), vec!["lab/second"]),
        (json!({"kind": "assay"}), vec!["lab/first", "lab/second"]),
        (json!({"kind": "assay", "good": false}), vec!["lab/first"]),
        (json!({"absent": "x"}), vec![]),
    ] {
        let arguments = json!({"query": "", "filters": {"metadata": metadata}});
        let found = done(&alice, "unified_search", arguments).await;
        let mut shown = names(&found["packages"]);
        shown.sort();
        let expected: Vec<String> =
            expected.iter().map(|name| format!("{}/{name}", lab("alice"))).collect();
        assert_eq!(
            (shown, &found["packages"]["total"]),
            (expected.clone(), &json!(expected.len()))
        );
        assert!(found["objects"]["note"].as_str().unwrap().starts_with("Not searched"));
        assert_eq!(found["objects"].get("error"), None);
    }
    let suggested = done(&alice, "search_suggest", json!({"partial_query": "lab/s"})).await;
    assert_eq!(suggested["packages"][0]["package_name"], "lab/second");
    let suggested = done(&alice, "search_suggest", json!({"partial_query": "quilt-"})).await;
    assert_eq!(suggested["buckets"].as_array().unwrap().len(), 2, "{suggested}");
    let suggested = done(&alice, "search_suggest", json!({"partial_query": "larg"})).await;
    assert_eq!(suggested["hints"], json!(["larger than 10 MB"]));
}

#[tokio::test]
async fn the_index_answers_where_graphql_is_refused_and_in_all_its_pages() {
    let app = TestApp::start().await;
    make_packages(&app);
    let alice = catalog(&app, "alice");
    // So that the registry's generation is known, and the refusal hits the search.
    done(&alice, "packages_search", json!({"query": ""})).await;
    refuse_graphql(&app);
    let mut arguments = json!({"bucket": lab("alice"), "query": "plate-0 csv files", "limit": 20});
    let first = done(&alice, "bucket_objects_search", arguments.clone()).await;
    let objects = &first["objects"];
    assert_eq!((&objects["backend"], &objects["total"]), (&json!("index"), &json!(36)));
    arguments["next"] = first["next"].clone();
    let second = done(&alice, "bucket_objects_search", arguments).await;
    assert_eq!((&second["objects"]["backend"], &second["next"]), (&json!("index"), &Value::Null));
    let all: BTreeSet<String> =
        names(objects).into_iter().chain(names(&second["objects"])).collect();
    assert_eq!(all.len(), 36);
    refuse_graphql(&app);
    let found = done(&alice, "packages_search", json!({"query": "lab/second"})).await;
    assert_eq!(found["packages"]["backend"], "index");
    assert_eq!((&found["packages"]["total"], names(&found["packages"]).len()), (&json!(1), 1));
    // The index does not have metadata: what GraphQL said is told.
    refuse_graphql(&app);
    let metadata = json!({"query": "", "scope": "packages", "filters": {"metadata": {"a": "b"}}});
    assert_eq!(refused(&alice, "unified_search", metadata).await, "catalog_refused");
}

#[tokio::test]
async fn after_a_403_fewer_indices_are_asked_and_that_is_said() {
    let app = TestApp::start().await;
    let role = app.user("alice").role_name.clone();
    for n in 0..30 {
        assert!(app.world().registry().let_read(&role, &format!("zoo-{n:02}")));
    }
    let alice = catalog(&app, "alice");
    let all = done(&alice, "unified_search", json!({"query": "plate-0", "scope": "objects"})).await;
    assert_eq!((&all["buckets"], &all["objects"]["complete"]), (&json!(32), &json!(true)));
    refuse_graphql(&app);
    let some =
        done(&alice, "unified_search", json!({"query": "plate-0", "scope": "objects"})).await;
    let objects = &some["objects"];
    assert_eq!((&objects["backend"], &objects["total"]), (&json!("index"), &json!(72)));
    assert_eq!(
        (&objects["complete"], &objects["total_is_lower_bound"]),
        (&json!(false), &json!(true))
    );
    assert!(objects["note"].as_str().unwrap().contains("20 of 32"), "{objects}");
}

#[tokio::test]
async fn without_the_catalog_one_named_bucket_is_listed_and_no_other() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let code = refused(&alice, "unified_search", json!({"query": "plate"})).await;
    assert_eq!(code, "catalog_token_required");
    let mut arguments = json!({"query": "PLATE-0 csv files", "bucket": lab("alice"), "limit": 30,
        "scope": "objects"});
    let first = done(&alice, "unified_search", arguments.clone()).await;
    let objects = &first["objects"];
    assert_eq!((&objects["backend"], &objects["complete"]), (&json!("s3_listing"), &json!(false)));
    assert_eq!(objects["total_is_lower_bound"], true, "{objects}");
    arguments["next"] = first["next"].clone();
    let second = done(&alice, "unified_search", arguments).await;
    assert_eq!((&second["objects"]["total"], &second["next"]), (&json!(36), &Value::Null));
    assert_eq!(second["objects"]["total_is_lower_bound"], Value::Null);
    let all: BTreeSet<String> =
        names(objects).into_iter().chain(names(&second["objects"])).collect();
    assert_eq!(all.len(), 36);
    for tool in ["unified_search", "bucket_objects_search", "packages_search", "search_explain"] {
        let code = refused(&alice, tool, json!({"query": "x", "bucket": lab("bob")})).await;
        assert_eq!(code, "bucket_not_granted", "{tool}");
    }
    let calls = app.world().journal().calls();
    assert!(!calls.iter().any(|call| call.service == Service::Registry), "an enhanced token");
    assert!(app.s3_calls().iter().all(|call| call.bucket.as_deref() == Some(&*lab("alice"))));
}

#[tokio::test]
async fn names_of_packages_are_listed_without_the_catalog() {
    let app = TestApp::start().await;
    make_packages(&app);
    let alice = app.client("alice");
    let mut arguments = json!({"query": "LAB", "bucket": lab("alice"), "limit": 1});
    let first = done(&alice, "packages_search", arguments.clone()).await;
    arguments["next"] = first["next"].clone();
    let second = done(&alice, "packages_search", arguments).await;
    let all = [names(&first["packages"]), names(&second["packages"])].concat();
    let expected = ["first", "second"].map(|name| format!("{}/lab/{name}", lab("alice")));
    assert_eq!((all, &second["next"]), (expected.to_vec(), &Value::Null));
    assert_eq!(second["packages"]["total"], 2);
    let dated = json!({"query": "lab since 2000", "bucket": lab("alice")});
    assert_eq!(refused(&alice, "packages_search", dated).await, "catalog_token_required");
}

#[tokio::test]
async fn a_registry_that_is_away_leaves_the_one_named_bucket() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    done(&alice, "bucket_list", json!({})).await;
    let faults = app.world().faults();
    faults.inject(Service::Registry, Fault::INTERNAL_ERROR, 3);
    let found =
        done(&alice, "bucket_objects_search", json!({"bucket": lab("alice"), "query": "README"}))
            .await;
    assert_eq!(found["objects"]["backend"], "s3_listing", "{found}");
    assert_eq!(names(&found["objects"]), [format!("{}/README.md", lab("alice"))]);
    faults.inject(Service::Registry, Fault::INTERNAL_ERROR, 3);
    let code = refused(&alice, "unified_search", json!({"query": "README"})).await;
    assert_eq!(code, "catalog_unavailable", "never all buckets");
    // A token that ends between two questions is told, and nothing is listed instead.
    faults.inject(Service::Registry, Fault::Delay(Duration::ZERO), 1);
    faults.inject(Service::Registry, Fault::UNAUTHORIZED, 2);
    let before = app.s3_calls().len();
    let code =
        refused(&alice, "unified_search", json!({"query": "x", "bucket": lab("alice")})).await;
    assert_eq!((code.as_str(), app.s3_calls().len()), ("token_expired", before));
}

#[tokio::test]
async fn one_kind_that_fails_does_not_hide_the_other() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let ask = json!({"query": "plate-001", "limit": 5});
    done(&alice, "unified_search", ask.clone()).await;
    // The buckets; then whichever of the two questions comes first is refused, with its question to the index.
    let faults = app.world().faults();
    faults.inject(Service::Registry, Fault::Delay(Duration::ZERO), 1);
    faults.inject(Service::Registry, Fault::FORBIDDEN, 1);
    let answer = done(&alice, "unified_search", ask).await;
    let backends: BTreeSet<&str> = ["objects", "packages"]
        .iter()
        .filter_map(|kind| answer[kind]["backend"].as_str())
        .collect();
    assert_eq!(backends, BTreeSet::from(["graphql", "index"]), "{answer}");
}

#[tokio::test]
async fn a_foreign_bucket_a_forged_place_and_bad_arguments_are_refused() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    for tool in ["unified_search", "bucket_objects_search", "packages_search", "search_explain"] {
        let code = refused(&alice, tool, json!({"query": "x", "bucket": lab("bob")})).await;
        assert_eq!(code, "bucket_not_granted", "{tool}");
    }
    let ask = json!({"query": "plate-0", "limit": 5, "scope": "objects"});
    let page = done(&alice, "unified_search", ask.clone()).await;
    let with = |name: &str, value: Value| {
        let mut ask = ask.clone();
        ask["next"] = page["next"].clone();
        ask[name] = value;
        ask
    };
    for bad in [
        with("query", json!("plate-1")),
        with("limit", json!(6)),
        with("bucket", json!(SHARED)),
        with("filters", json!({"size_min": 1})),
        with("scope", json!("both")),
        with("next", json!("nonsense")),
        with("next", json!("e30")),
        with("limit", json!(0)),
        with("limit", json!(101)),
        json!({"query": "x".repeat(513)}),
        json!({"query": "x", "filters": {"size_min": 2, "size_max": 1}}),
        json!({"query": "x", "filters": {"unknown": 1}}),
        json!({"query": "over 2 MB", "filters": {"size_max": 1}}),
        json!({"query": "", "filters": {"extensions": ["csv"], "metadata": {"a": "b"}}}),
        json!({"query": "csv files", "scope": "packages"}),
    ] {
        assert_eq!(
            refused(&alice, "unified_search", bad.clone()).await,
            "invalid_arguments",
            "{bad}"
        );
    }
    // Bob sees other buckets: a place in Alice's answer is none of his.
    let stolen = with("scope", json!("objects"));
    let code = refused(&catalog(&app, "bob"), "unified_search", stolen).await;
    assert_eq!(code, "invalid_arguments");
}

#[tokio::test]
async fn what_would_be_asked_is_shown_and_not_asked() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let query = "enzyme csv files larger than 10 MB";
    let told = done(&alice, "search_explain", json!({"query": query})).await;
    assert_eq!((&told["text"], &told["filters"]["size_min"]), (&json!("enzyme"), &json!(10 << 20)));
    assert_eq!(told["buckets"], json!([lab("alice"), SHARED]));
    let attempts = &told["objects"]["attempts"];
    assert_eq!(attempts[0]["request"]["filter"]["ext"]["terms"], json!([".csv"]));
    assert_eq!(attempts[0]["request"]["searchString"], "enzyme");
    assert_eq!(attempts[1]["request"]["index"], format!("{},{SHARED}", lab("alice")));
    assert!(told["packages"]["not_searched"].as_str().unwrap().starts_with("extensions"));
    let calls = app.world().journal().calls();
    assert!(!calls.iter().any(|call| call.operation == "GET /api/search"));
    let listed = done(
        &app.client("alice"),
        "search_explain",
        json!({"query": query, "bucket": lab("alice")}),
    )
    .await;
    assert_eq!(listed["objects"]["attempts"][0]["backend"], "s3_listing");
}

#[tokio::test]
async fn two_users_at_the_same_time_never_share_a_result() {
    let app = TestApp::start().await;
    let (alice, bob) = (catalog(&app, "alice"), catalog(&app, "bob"));
    let ask = |n: usize| {
        let (client, mine, theirs) = match n % 2 {
            0 => (&alice, lab("alice"), lab("bob")),
            _ => (&bob, lab("bob"), lab("alice")),
        };
        async move {
            let arguments = json!({"query": "README", "limit": 50});
            let found = done(client, "unified_search", arguments).await;
            let found = names(&found["objects"]);
            assert!(found.contains(&format!("{mine}/README.md")), "{found:?}");
            assert!(found.iter().all(|name| !name.starts_with(&theirs)), "{found:?}");
        }
    };
    stream::iter(0..100).map(ask).buffer_unordered(10).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_forwarded_token_that_the_registry_does_not_know_searches_one_granted_bucket() {
    let app = TestApp::with(&[("QUILT_MCP_FORWARD_ENHANCED_TOKENS", "true")]).await;
    let alice = app.client("alice");
    let named = json!({"bucket": lab("alice"), "query": "README"});
    let found = done(&alice, "bucket_objects_search", named).await;
    assert_eq!(found["objects"]["backend"], "s3_listing", "{found}");
    assert!(found["objects"]["note"].as_str().unwrap().contains("does not accept"), "{found}");
    let code = refused(&alice, "unified_search", json!({"query": "README"})).await;
    assert_eq!(code, "catalog_refused", "never all buckets");
    let foreign = json!({"bucket": lab("bob"), "query": "README"});
    assert_eq!(refused(&alice, "bucket_objects_search", foreign).await, "bucket_not_granted");
    let suggested = done(&alice, "search_suggest", json!({"partial_query": "quilt-"})).await;
    let names: Vec<&str> = suggested["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&&*lab("alice")) && !names.contains(&&*lab("bob")), "{names:?}");
}
