//! Searches by GraphQL and by `/api/search`.

use axum::http::StatusCode;
use url::form_urlencoded;

use super::{super::elastic, *};

fn objects(desk: &Desk, name: &str, variables: Value) -> Value {
    desk.run(name, "search_objects", variables)["searchObjects"].clone()
}

/// `bucket/key` of every hit.
fn keys(page: &Value) -> Vec<String> {
    let hits = page["hits"].as_array().expect("hits").iter();
    let part = |hit: &Value, name: &str| hit[name].as_str().unwrap_or_default().to_owned();
    hits.map(|hit| format!("{}/{}", part(hit, "bucket"), part(hit, "key"))).collect()
}

#[test]
fn objects_are_found_by_word_and_filter() {
    let desk = Desk::new();
    let total = |variables: Value| objects(&desk, "alice", variables)["total"].clone();
    // Two buckets of 36 plates; their bodies name their buckets.
    assert_eq!(total(json!({ "searchString": "plate-0" })), 72);
    assert_eq!(total(json!({ "searchString": "plate-0 quilt-shared" })), 36);
    assert_eq!(total(json!({ "searchString": "plate-00?.csv", "buckets": [LAB] })), 9);
    assert_eq!(total(json!({ "buckets": [LAB, "quilt-bob-lab"], "searchString": "README" })), 1);
    assert_eq!(total(json!({ "searchString": "37 °C" })), 2);
    let filtered = |filter: Value| total(json!({ "buckets": [LAB], "filter": filter }));
    assert_eq!(filtered(json!({ "ext": { "terms": [".csv"] } })), 38);
    assert_eq!(filtered(json!({ "ext": { "terms": ["csv"] } })), 0);
    assert_eq!(filtered(json!({ "ext": { "terms": [".csv"] }, "size": { "gte": 1000 } })), 1);
    assert_eq!(filtered(json!({ "key": { "wildcard": "measurements/*" } })), 3);
    assert_eq!(filtered(json!({ "content": { "queryString": "µM" } })), 1);
    assert_eq!(filtered(json!({ "modified": { "gte": "2100-01-01T00:00:00Z" } })), 0);
    assert_eq!(filtered(json!({ "modified": { "gte": "2000-01-01T00:00:00Z" } })), 45);
    assert_eq!(filtered(json!({ "deleted": { "true": true } })), 0);
    let refused = objects(&desk, "alice", json!({ "filter": { "modified": { "gte": "soon" } } }));
    assert_eq!(refused["errors"][0]["path"], "filter");
}

#[test]
fn a_role_bounds_a_search() {
    let desk = Desk::new();
    let all = objects(&desk, "bob", json!({ "size": 1000 }));
    assert_eq!(all["total"], 2 * 45);
    let found = keys(&all["firstPage"]);
    assert!(found.iter().all(|key| !key.starts_with(LAB)) && found.len() == 90);
    let none = objects(&desk, "bob", json!({ "buckets": [LAB] }));
    assert_eq!(none["__typename"], "EmptySearchResultSet");
    // A cursor of Alice's is answered by Bob's role.
    let page = objects(&desk, "alice", json!({ "buckets": [LAB, SHARED], "size": 1 }));
    let cursor = page["firstPage"]["cursor"].clone();
    let stolen = desk.run("bob", "search_more_objects", json!({ "after": cursor, "size": 1000 }));
    let found = keys(&stolen["searchMoreObjects"]);
    assert!(found.len() == 44 && found.iter().all(|key| key.starts_with(SHARED)), "{found:?}");
}

#[test]
fn pages_follow_each_other_to_the_end() {
    let desk = Desk::new();
    for (suffix, old) in [("", false), ("_old", true)] {
        desk.registry.speak_old(old);
        let asked = json!({ "searchString": "plate-0", "order": "LEX_ASC", "size": 30 });
        let data = desk.run("alice", &format!("search_objects{suffix}"), asked);
        let mut page = data["searchObjects"]["firstPage"].clone();
        let mut found = keys(&page);
        while let Some(cursor) = page["cursor"].as_str() {
            let more = json!({ "after": cursor, "size": 30 });
            let data = desk.run("alice", &format!("search_more_objects{suffix}"), more);
            page = data["searchMoreObjects"].clone();
            found.extend(keys(&page));
        }
        assert_eq!(found.len(), 72);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 72, "no hit twice");
        let wrong = json!({ "after": "nonsense", "size": 30 });
        let data = desk.run("alice", &format!("search_more_packages{suffix}"), wrong);
        assert_eq!(data["searchMorePackages"]["errors"][0]["path"], "after");
    }
}

fn desk_with_packages() -> Desk {
    let desk = Desk::new();
    for (name, message, n) in [("a/first", "one plate", 1), ("a/second", "two plates", 2)] {
        let entries: Vec<Value> = (1..=n)
            .map(|plate| {
                let key = format!("s3://{LAB}/plates/plate-00{plate}.csv");
                json!({ "logicalKey": format!("p{plate}.csv"), "physicalKey": key })
            })
            .collect();
        let params = json!({
            "bucket": LAB, "name": name, "message": message, "userMeta": { "run": { "n": n } },
        });
        let variables = json!({ "params": params, "src": { "entries": entries } });
        let made = desk.run("alice", "package_construct", variables);
        assert_eq!(made["packageConstruct"]["__typename"], "PackagePushSuccess");
    }
    desk
}

#[test]
fn packages_are_found_by_word_filter_and_metadata() {
    let desk = desk_with_packages();
    let search = |mut variables: Value| {
        let latest = variables.as_object_mut().expect("one");
        latest.entry("latestOnly").or_insert(json!(true));
        desk.run("alice", "search_packages", variables)["searchPackages"].clone()
    };
    let names = |result: &Value| {
        let hits = result["firstPage"]["hits"].as_array().expect("hits").iter();
        hits.map(|hit| hit["name"].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    };
    let by = |ordering: &str| search(json!({ "ordering": ordering }));
    assert_eq!(names(&by("sys:name:desc")), "a/second a/first");
    assert_eq!(names(&by("sys:entries:asc")), "a/first a/second");
    for (ordering, name) in [
        ("nonsense", "ordering"),
        ("sys:comment:asc", "UnsupportedSort"),
        ("sys:name:up", "ordering"),
    ] {
        let page = by(ordering)["firstPage"].clone();
        assert_eq!(
            (&page["__typename"], &page["errors"][0]["name"]),
            (&json!("InvalidInput"), &json!(name))
        );
    }
    assert_eq!(names(&search(json!({ "searchString": "second" }))), "a/second");
    let hit = search(json!({ "searchString": "two" }))["firstPage"]["hits"][0].clone();
    assert_eq!((&hit["pointer"], &hit["comment"]), (&json!("latest"), &json!("two plates")));
    assert_eq!(
        (&hit["meta"], &hit["totalEntriesCount"]),
        (&json!("{\"run\":{\"n\":2}}"), &json!(2))
    );
    assert!(hit["matchLocations"]["comment"] == true && hit["matchLocations"]["name"] == false);
    let by_entry = search(json!({ "searchString": "p2.csv" }));
    assert_eq!(names(&by_entry), "a/second");
    assert_eq!(by_entry["firstPage"]["hits"][0]["matchingEntries"][0]["logicalKey"], "p2.csv");
    let meta = json!([{ "path": "/run/n", "number": { "gte": 2 } }]);
    assert_eq!(names(&search(json!({ "userMetaFilters": meta }))), "a/second");
    let filter = json!({ "entries": { "lte": 1 }, "name": { "wildcard": "a/*" } });
    assert_eq!(names(&search(json!({ "filter": filter }))), "a/first");
    let all = search(json!({ "latestOnly": false, "size": 1 }));
    assert_eq!((&all["total"], names(&all).is_empty()), (&json!(2), false));
    let cursor = all["firstPage"]["cursor"].clone();
    let more = desk.run("alice", "search_more_packages", json!({ "after": cursor, "size": 1 }));
    assert_eq!(more["searchMorePackages"]["cursor"], Value::Null);
    assert_eq!(more["searchMorePackages"]["hits"].as_array().map(Vec::len), Some(1));
    let bobs = desk.run("bob", "search_packages", json!({ "latestOnly": true }));
    assert_eq!(bobs["searchPackages"]["total"], 0);

    desk.registry.speak_old(true);
    let old = json!({ "latestOnly": true, "order": "LEX_DESC" });
    let old = desk.run("alice", "search_packages_old", old)["searchPackages"].clone();
    assert_eq!((names(&old).as_str(), &old["total"]), ("a/second a/first", &json!(2)));
}

fn proxied(desk: &Desk, index: &str, body: &Value, more: &[(&str, &str)]) -> (StatusCode, Value) {
    let account = desk.account("alice");
    let view = View { account: &account, store: &desk.store, registry: &desk.registry };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("index", index).append_pair("body", &body.to_string());
    query.extend_pairs(more);
    elastic::answer(view, &query.finish())
}

const FREEFORM: (&str, &str) = ("action", "freeform");

#[test]
fn the_proxy_answers_from_the_same_data() {
    let desk = desk_with_packages();
    let hits = |index: &str, query: Value| {
        let (status, answer) = proxied(&desk, index, &json!({ "query": query }), &[FREEFORM]);
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["hits"].clone()
    };
    let words = |query: &str| json!({ "query_string": { "query": query } });
    let found = hits(&format!("{LAB},{SHARED}"), words("plate\\-0*"));
    assert_eq!((&found["total"], found["hits"].as_array().map(Vec::len)), (&json!(72), Some(10)));
    let filters = json!([
        { "terms": { "ext": [".csv"] } },
        { "range": { "size": { "gte": 1000 } } },
        { "range": { "last_modified": { "gte": "2000-01-01T00:00:00Z" } } },
    ]);
    let found = hits(LAB, json!({ "bool": { "must": [words("absorbance")], "filter": filters } }));
    assert_eq!(found["hits"][0]["_source"]["key"], "measurements/2026-02/absorbance.csv");
    assert_eq!((&found["total"], &found["hits"][0]["_index"]), (&json!(1), &json!(LAB)));
    let named =
        json!({ "bool": { "must": [{ "exists": { "field": "ptr_name" } }, words("second")] } });
    let found = hits(&format!("{LAB}_packages"), named);
    assert_eq!(found["total"], 2, "latest and the time of its push");
    let entries =
        json!({ "bool": { "must": [{ "exists": { "field": "entry_lk" } }, words("p2.csv")] } });
    assert_eq!(hits(&format!("{LAB}_packages"), entries)["total"], 1);
    let body = json!({ "query": { "match_all": {} } });
    let page = [FREEFORM, ("size", "2"), ("from", "44")];
    let (_, last) = proxied(&desk, LAB, &body, &page);
    assert_eq!(
        (&last["hits"]["total"], last["hits"]["hits"].as_array().map(Vec::len)),
        (&json!(45), Some(1))
    );
}

#[test]
fn the_proxy_refuses() {
    let desk = Desk::new();
    let any = json!({ "query": { "match_all": {} } });
    let many = (0..21).map(|n| format!("b-{n}")).collect::<Vec<_>>().join(",");
    for (index, body, status) in [
        ("quilt-bob-lab", any.clone(), 403),
        (&*format!("{LAB},quilt-bob-lab_packages"), any.clone(), 403),
        (&many, any.clone(), 403),
        ("*", any.clone(), 400),
        ("_all", any.clone(), 400),
        (LAB, json!({ "query": { "script": {} } }), 400),
        (LAB, json!({ "query": { "query_string": { "query": "a/b" } } }), 400),
        (LAB, json!({ "query": { "match_all": {} }, "aggs": {} }), 400),
        (LAB, json!({ "size": 10_001 }), 400),
    ] {
        let (told, answer) = proxied(&desk, index, &body, &[FREEFORM]);
        assert_eq!(told.as_u16(), status, "{index} {body}: {answer}");
    }
    assert_eq!(proxied(&desk, LAB, &any, &[]).0, StatusCode::BAD_REQUEST, "no action");
}
