//! Revisions that build on others, and taking them away.

use quilt_mcp_server::demo::client::Client;
use serde_json::{Value, json};

use crate::{
    packages::{Revision, asked, chunked, column, copies, of, ok, pointers, refused, stored, text},
    support::{TestApp, lab},
};

const NAME: &str = "lab/changing";

fn object(key: &str) -> String {
    format!("s3://{}/{key}", lab("alice"))
}

/// A package that another client wrote: entries with metadata in folders with metadata.
fn plant(app: &TestApp) -> String {
    let mine = lab("alice");
    Revision::new()
        .header("user_meta", json!({"kept": {"a": 1}, "changed": 1}))
        .folder("raw/", json!({"of": "raw"}))
        .folder("raw/deep/", json!({"of": "deep"}))
        .folder("results/", json!({"of": "results"}))
        .object(app, &mine, "raw/b.csv", "b")
        .object(app, &mine, "raw/deep/a.csv", "a")
        .with("meta", json!({"user_meta": {"well": 7}}))
        .object(app, &mine, "rawest.csv", "c")
        .object(app, &mine, "results/r.csv", "r")
        .with("meta", json!({"user_meta": {"run": 1}}))
        .push(app, &mine, NAME, 1_700_000_000)
}

/// Lines of the manifest behind its header.
fn lines(app: &TestApp, made: &Value) -> Vec<Value> {
    let key = format!(".quilt/packages/{}", made["top_hash"].as_str().unwrap());
    let manifest = text(app, &lab("alice"), &key);
    manifest.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn keys(lines: &[Value]) -> Vec<String> {
    column(&json!(lines), "logical_key")
}

#[tokio::test]
async fn entries_are_added_replaced_and_removed_and_the_rest_stays() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let base = plant(&app);
    let was = lines(&app, &json!({"top_hash": base}));
    app.put(&lab("alice"), "new/n.csv", "new");
    app.world().journal().clear();
    let change = json!({"message": "second", "remove": ["raw/", "rawest.csv"], "entries": [
        {"logical_key": "added/n.csv", "s3_uri": object("new/n.csv")},
        {"logical_key": "results/r.csv", "s3_uri": object("new/n.csv")}]});
    let mut dry = change.clone();
    dry["dry_run"] = json!(true);
    let before = stored(&app, &lab("alice"));
    let shown = ok(&alice, "package_update", of(NAME, dry)).await;
    assert_eq!(stored(&app, &lab("alice")), before, "a dry run writes nothing");
    let made = ok(&alice, "package_update", of(NAME, change)).await;
    for member in ["top_hash", "parent", "removed_entries", "total_entries", "total_size"] {
        assert_eq!(made[member], shown[member], "{member}");
    }
    assert_eq!((&made["parent"], &made["removed_entries"]), (&json!(base), &json!(3)));
    assert_eq!((&made["total_entries"], &made["total_size"]), (&json!(2), &json!(6)));
    let now = lines(&app, &made);
    // What was noted about a folder goes with it.
    let mut expected = ["added/n.csv", "results/", "results/r.csv"].map(str::to_owned);
    let mut names = keys(&now);
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
    let find = |lines: &[Value], key: &str| {
        lines.iter().find(|line| line["logical_key"] == key).unwrap().clone()
    };
    assert_eq!(find(&now, "results/"), find(&was, "results/"));
    let replaced = find(&now, "results/r.csv");
    assert_eq!(replaced["hash"], json!(chunked(b"new")));
    assert_eq!(replaced["meta"], json!({"user_meta": {"run": 1}}), "it is still the same entry");
    let targets: Vec<_> = copies(&app).into_iter().map(|(to, _)| to).collect();
    let place = |key: &str| format!("{}/{NAME}/{key}", lab("alice"));
    assert_eq!(targets, [place("added/n.csv"), place("results/r.csv")], "nothing else is copied");
    let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
    assert_eq!(seen["metadata"], json!({"kept": {"a": 1}, "changed": 1}), "as it was");

    // Nothing is done by halves.
    let before = stored(&app, &lab("alice"));
    for (change, says) in [
        (json!({"remove": ["results/r.csv", "gone.csv"]}), "gone.csv"),
        (json!({"remove": ["results"]}), "results"),
        (
            json!({"entries": [{"logical_key": "results", "s3_uri": object("new/n.csv")}]}),
            "an entry and a folder",
        ),
        (json!({}), "nothing to do"),
    ] {
        let (code, said) = refused(&alice, "package_update", of(NAME, change.clone())).await;
        assert_eq!(code, "invalid_arguments", "{change}: {said}");
        assert!(said.contains(says), "{change}: {said}");
    }
    assert_eq!(stored(&app, &lab("alice")), before);
}

#[tokio::test]
async fn one_entry_goes_and_its_folder_stays() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let base = plant(&app);
    let was = lines(&app, &json!({"top_hash": base}));
    let change = json!({"remove": ["raw/deep/a.csv"]});
    let made = ok(&alice, "package_update", of(NAME, change)).await;
    let now = lines(&app, &made);
    let (mut left, mut found) = (was.clone(), now.clone());
    left.retain(|line| line["logical_key"] != "raw/deep/a.csv");
    for lines in [&mut left, &mut found] {
        lines.sort_by_key(|line| line["logical_key"].to_string());
    }
    assert_eq!(found, left);
    // Also a folder of which nothing is left but what was noted about it.
    let made = ok(&alice, "package_update", of(NAME, json!({"remove": ["raw/deep/"]}))).await;
    assert!(!keys(&lines(&app, &made)).contains(&"raw/deep/".to_owned()));
    assert_eq!(made["removed_entries"], 0);
}

#[tokio::test]
async fn metadata_is_merged_or_replaced_and_entries_stay() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let base = plant(&app);
    let was = lines(&app, &json!({"top_hash": base}));
    let mut parent = json!(base);
    for (tool, more, expected) in [
        (
            "package_update",
            json!({"metadata": {"changed": 2, "n": null}}),
            json!({"kept": {"a": 1}, "changed": 2, "n": null}),
        ),
        (
            "package_update_metadata",
            json!({"metadata": {"changed": {"b": 3}}}),
            json!({"kept": {"a": 1}, "changed": {"b": 3}, "n": null}),
        ),
        (
            "package_update",
            json!({"metadata": {"whole": 1}, "replace_metadata": true}),
            json!({"whole": 1}),
        ),
        ("package_update_metadata", json!({"metadata": "{\"text\": 1e400}"}), Value::Null),
        (
            "package_update_metadata",
            json!({"metadata": {"two": 2}, "merge_with_existing": false}),
            json!({"two": 2}),
        ),
        (
            "package_update_metadata",
            json!({"metadata": {}, "merge_with_existing": false}),
            json!({}),
        ),
    ] {
        app.advance(5);
        app.world().journal().clear();
        if expected.is_null() {
            let (code, said) = refused(&alice, tool, of(NAME, more)).await;
            assert_eq!(code, "invalid_arguments", "{said}");
            continue;
        }
        let made = ok(&alice, tool, of(NAME, more)).await;
        assert_eq!(made["parent"], parent, "{tool}");
        assert_eq!((made["entries"].clone(), copies(&app)), (json!([]), Vec::new()));
        assert_eq!(asked(&app, "HeadObject", "raw"), 0, "no object is asked about");
        assert_eq!(lines(&app, &made), was, "byte for byte but for the header");
        let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
        let metadata = seen.get("metadata").cloned().unwrap_or(json!({}));
        assert_eq!((&metadata, &seen["top_hash"]), (&expected, &made["top_hash"]), "{tool}");
        parent = made["top_hash"].clone();
    }
    for metadata in [json!([1]), json!("[1]"), json!(7), json!("{")] {
        let more = of(NAME, json!({"metadata": metadata}));
        let (code, _) = refused(&alice, "package_update_metadata", more).await;
        assert!(["invalid_arguments", "-32602"].contains(&code.as_str()), "{metadata}: {code}");
    }
}

#[tokio::test]
async fn only_the_latest_revision_is_built_upon_unless_it_is_said() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let first = plant(&app);
    let change = json!({"metadata": {"n": 2}});
    let second = ok(&alice, "package_update", of(NAME, change)).await;
    let before = stored(&app, &lab("alice"));
    for tool in ["package_update", "package_update_metadata"] {
        for base in [first.as_str(), &first[..8], "1700000000"] {
            let late = of(NAME, json!({"metadata": {"n": 3}, "top_hash": base}));
            assert_eq!(refused(&alice, tool, late).await.0, "conflict", "{tool} {base}");
        }
    }
    let create = of(NAME, json!({"readme": "x"}));
    assert_eq!(refused(&alice, "package_create", create).await.0, "conflict");
    assert_eq!(stored(&app, &lab("alice")), before);
    // The latest may be named, too.
    app.advance(5);
    let named = of(NAME, json!({"metadata": {"n": 3}, "top_hash": second["top_hash"]}));
    let third = ok(&alice, "package_update", named).await;
    assert_eq!(third["parent"], second["top_hash"]);
    // Said so, the old one is the base: what came between is not in it.
    for (tool, n) in [("package_update", 4), ("package_update_metadata", 5)] {
        app.advance(5);
        let forced = json!({"metadata": {"n": n}, "top_hash": first, "overwrite": true});
        let made = ok(&alice, tool, of(NAME, forced)).await;
        assert_eq!(made["parent"], first.as_str());
        let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
        assert_eq!(seen["metadata"], json!({"kept": {"a": 1}, "changed": 1, "n": n}));
    }
    let versions = ok(&alice, "package_versions", of(NAME, json!({}))).await;
    assert_eq!(versions["total_versions"], 5, "all of them are still there");
    let none = of("lab/none", json!({"metadata": {"n": 1}}));
    assert_eq!(refused(&alice, "package_update", none).await.0, "no_such_package");
}

/// Three revisions, and then the first one's content again.
async fn four(app: &TestApp, client: &Client) -> Vec<String> {
    let mut hashes = Vec::new();
    for text in ["one", "two", "three", "one"] {
        app.advance(5);
        let wanted = json!({"readme": text, "overwrite": true});
        let made = ok(client, "package_create", of(NAME, wanted)).await;
        hashes.push(made["top_hash"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes[0], hashes[3]);
    hashes
}

/// Hashes that the pointers but `latest` hold, oldest first, and what `latest` holds.
fn named(app: &TestApp) -> (Vec<String>, Option<String>) {
    let (latest, moments): (Vec<_>, Vec<_>) =
        pointers(app, NAME).into_iter().partition(|(name, _)| name == "latest");
    let hash = |(_, hash): (String, String)| hash;
    (moments.into_iter().map(hash).collect(), latest.into_iter().map(hash).next())
}

/// Keys of everything but pointers.
fn rest(app: &TestApp) -> Vec<(String, Vec<String>)> {
    let mut all = stored(app, &lab("alice")).0;
    all.retain(|(key, _)| !key.starts_with(".quilt/named_packages/"));
    all
}

#[tokio::test]
async fn a_revision_is_taken_away_and_all_else_stays() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let hashes = four(&app, &alice).await;
    let [one, two, three] = [&hashes[0], &hashes[1], &hashes[2]];
    let objects = rest(&app);
    let delete = async |which: &str, dry_run: bool| {
        let which = json!({"top_hash": which, "dry_run": dry_run});
        ok(&alice, "package_delete", of(NAME, which)).await
    };
    let owned =
        |hashes: &[&String]| -> Vec<String> { hashes.iter().map(|hash| (*hash).clone()).collect() };
    // The latest, which is there twice: the newest of the others is the latest then.
    let before = stored(&app, &lab("alice"));
    let (code, _) =
        refused(&alice, "package_delete", of(NAME, json!({"top_hash": "latest"}))).await;
    assert_eq!(code, "invalid_arguments", "called twice it would delete two");
    let shown = delete(one, true).await;
    assert_eq!((&shown["revisions"], &shown["latest"]), (&json!([one]), &json!(three)));
    assert_eq!((&shown["pointers"], &shown["pointers_left"]), (&json!(2), &json!(3)));
    assert_eq!(stored(&app, &lab("alice")), before, "a dry run deletes nothing");
    let mut gone = delete(one, false).await;
    assert_eq!((gone["dry_run"].take(), &shown["dry_run"]), (json!(false), &json!(true)));
    gone["dry_run"] = json!(true);
    assert_eq!(gone, shown, "it does what it showed");
    assert_eq!(named(&app), (owned(&[two, three]), Some(three.clone())));
    let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
    assert_eq!(seen["top_hash"], three.as_str());
    // One that is not the latest, by the beginning of its hash: `latest` is not touched.
    let latest = format!(".quilt/named_packages/{NAME}/latest");
    let versions = app.world().store().versions(&lab("alice"), &latest).len();
    let gone = delete(&two[..10], false).await;
    assert_eq!((&gone["revisions"], &gone["latest"]), (&json!([two]), &Value::Null));
    assert_eq!((&gone["pointers"], &gone["pointers_left"]), (&json!(1), &json!(2)));
    assert_eq!(named(&app), (owned(&[three]), Some(three.clone())));
    assert_eq!(app.world().store().versions(&lab("alice"), &latest).len(), versions);
    // The last one.
    let gone = delete(three, false).await;
    assert_eq!((&gone["pointers"], &gone["pointers_left"]), (&json!(2), &json!(0)));
    assert_eq!(named(&app), (Vec::new(), None));
    assert_eq!(rest(&app), objects, "manifests and objects stay");
    let listed = ok(&alice, "packages_list", json!({"registry": lab("alice")})).await;
    assert!(!listed.to_string().contains(NAME), "{listed}");
    // By its hash it can still be read, and be made again.
    let seen = ok(&alice, "package_browse", of(NAME, json!({"top_hash": two}))).await;
    assert_eq!(seen["total_entries"], 1);
    let checked = ok(&alice, "package_validate", of(NAME, json!({"top_hash": two}))).await;
    assert_eq!(checked["valid"], true, "{checked}");
    let made = ok(&alice, "package_create", of(NAME, json!({"readme": "two"}))).await;
    assert_eq!(made["top_hash"], two.as_str());
    assert_eq!(named(&app), (owned(&[two]), Some(two.clone())));
}

#[tokio::test]
async fn a_package_is_taken_away_and_no_other() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let hashes = four(&app, &alice).await;
    for neighbour in ["lab/changing-too", "lab/chang", "lab2/changing"] {
        ok(&alice, "package_create", of(neighbour, json!({"readme": "one"}))).await;
    }
    let objects = rest(&app);
    let before = stored(&app, &lab("alice"));
    for (which, code) in [
        (json!({"top_hash": "0a".repeat(32)}), "no_such_package"),
        (json!({"top_hash": "never"}), "no_such_package"),
        (json!({"top_hash": "a/b"}), "invalid_arguments"),
        (json!({"package_name": "lab/none"}), "no_such_package"),
    ] {
        assert_eq!(
            refused(&alice, "package_delete", of(NAME, which.clone())).await.0,
            code,
            "{which}"
        );
    }
    let shown = ok(&alice, "package_delete", of(NAME, json!({"dry_run": true}))).await;
    assert_eq!(stored(&app, &lab("alice")), before);
    let mut gone = ok(&alice, "package_delete", of(NAME, json!({}))).await;
    let revisions = json!([hashes[0], hashes[2], hashes[1]]);
    assert_eq!(gone["revisions"], revisions, "newest first, each once");
    assert_eq!((&gone["pointers"], &gone["pointers_left"]), (&json!(5), &json!(0)));
    assert!(gone["stays"].as_str().unwrap().contains("manifests"), "{gone}");
    gone["dry_run"] = json!(true);
    assert_eq!(gone, shown);
    assert_eq!((named(&app), rest(&app)), ((Vec::new(), None), objects));
    for neighbour in ["lab/changing-too", "lab/chang", "lab2/changing"] {
        let seen = ok(&alice, "package_browse", of(neighbour, json!({}))).await;
        assert_eq!(seen["top_hash"], hashes[0].as_str(), "{neighbour}");
    }
    for tool in ["package_browse", "package_delete"] {
        assert_eq!(refused(&alice, tool, of(NAME, json!({}))).await.0, "no_such_package", "{tool}");
    }
}
