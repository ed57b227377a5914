use super::*;

fn lab() -> Store {
    let store = Store::default();
    store.create_bucket("lab");
    store
}

fn body(store: &Store, key: &str, version: Option<&str>) -> Result<Bytes, StoreError> {
    store.get("lab", key, version).map(|(_, object)| object.body.clone())
}

#[test]
fn versions_pile_up_and_a_marker_hides_them() {
    let store = lab();
    let first = store.put("lab", "k", "one", None).expect("put");
    let second = store.put("lab", "k", "two", None).expect("put");
    assert_ne!(first, second);
    assert_eq!(body(&store, "k", None), Ok(Bytes::from("two")));
    assert_eq!(body(&store, "k", Some(&first)), Ok(Bytes::from("one")));
    let marker = store.delete("lab", "k", None).expect("delete");
    assert!(marker.delete_marker);
    assert_eq!(body(&store, "k", None), Err(StoreError::NoSuchKey));
    assert_eq!(body(&store, "k", marker.version_id.as_deref()), Err(StoreError::DeleteMarker));
    assert_eq!(body(&store, "k", Some(&second)), Ok(Bytes::from("two")));
    assert!(store.keys("lab").is_empty());
    assert_eq!(store.versions("lab", "k").len(), 3);
    let undone = store.delete("lab", "k", marker.version_id.as_deref()).expect("delete");
    assert!(undone.delete_marker);
    assert_eq!(body(&store, "k", None), Ok(Bytes::from("two")));
}

#[test]
fn deleting_versions_frees_their_room() {
    let store = lab();
    let before = store.read().weight;
    let id = store.put("lab", "k", vec![0; 1000], None).expect("put");
    store.delete("lab", "k", Some(&id)).expect("delete");
    assert_eq!(store.read().weight, before);
    assert_eq!(store.delete("lab", "k", Some(&id)).expect("delete").version_id, None);
    assert_eq!(body(&store, "k", Some(&id)), Err(StoreError::NoSuchVersion));
}

#[test]
fn conditions() {
    let store = lab();
    let write = |condition| {
        store.insert("lab", "k", Object::new("x", Attributes::default()), &condition).map(|_| ())
    };
    assert_eq!(write(Precondition::Matches("e".to_owned())), Err(StoreError::NoSuchKey));
    assert_eq!(write(Precondition::Absent), Ok(()));
    assert_eq!(write(Precondition::Absent), Err(StoreError::PreconditionFailed));
    let wrong = Precondition::Matches("e".to_owned());
    assert_eq!(write(wrong), Err(StoreError::PreconditionFailed));
    let (_, object) = store.get("lab", "k", None).expect("get");
    assert_eq!(write(Precondition::Matches(object.etag.clone())), Ok(()));
    store.delete("lab", "k", None).expect("delete");
    assert_eq!(write(Precondition::Absent), Ok(()), "a deleted key is absent");
}

#[test]
fn the_store_is_bounded() {
    let store = lab();
    let chunk = Bytes::from(vec![0; 64 * 1024 * 1024]);
    for number in 0..3 {
        store.put("lab", &format!("k{number}"), chunk.clone(), None).expect("room");
    }
    assert_eq!(store.put("lab", "k3", chunk, None), Err(StoreError::Full));
    assert_eq!(store.put("nowhere", "k", "x", None), Err(StoreError::NoSuchBucket));
}

fn list(store: &Store, query: &ListQuery) -> (Vec<String>, bool) {
    let listing = store.list("lab", query).expect("list");
    let names = listing.entries.iter().map(|entry| match entry {
        Entry::Object { key, .. } => key.clone(),
        Entry::Prefix(prefix) => format!("<{prefix}>"),
    });
    (names.collect(), listing.next.is_some())
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn listing_with_prefix_and_delimiter() {
    let store = lab();
    for key in ["a.txt", "d/1", "d/2", "d/e/3", "é", "z"] {
        store.put("lab", key, "x", None).expect("put");
    }
    store.delete("lab", "z", None).expect("delete");
    let query = |prefix: &str, delimiter: Option<&str>| ListQuery {
        prefix: prefix.to_owned(),
        delimiter: delimiter.map(str::to_owned),
        ..ListQuery::default()
    };
    assert_eq!(list(&store, &query("", None)).0, ["a.txt", "d/1", "d/2", "d/e/3", "é"]);
    assert_eq!(list(&store, &query("", Some("/"))).0, ["a.txt", "<d/>", "é"]);
    assert_eq!(list(&store, &query("d/", Some("/"))).0, ["d/1", "d/2", "<d/e/>"]);
    assert_eq!(list(&store, &query("d", Some("/"))).0, ["<d/>"]);
    assert_eq!(list(&store, &query("nope", None)).0, Vec::<String>::new());
    let from = ListQuery { start_after: Some("d/1".to_owned()), ..ListQuery::default() };
    assert_eq!(list(&store, &from).0, ["d/2", "d/e/3", "é"]);
}

#[test]
fn pages_neither_repeat_nor_skip() {
    let store = lab();
    for key in ["a", "d/1", "d/2", "d0", "e/1", "f"] {
        store.put("lab", key, "x", None).expect("put");
    }
    for (delimiter, whole) in [
        (None, strings(&["a", "d/1", "d/2", "d0", "e/1", "f"])),
        (Some("/".to_owned()), strings(&["a", "<d/>", "d0", "<e/>", "f"])),
    ] {
        for max in 1..=7 {
            let mut query = ListQuery { delimiter: delimiter.clone(), max, ..ListQuery::default() };
            let mut seen = Vec::new();
            loop {
                let listing = store.list("lab", &query).expect("list");
                assert!(listing.entries.len() <= max);
                seen.extend(list(&store, &query).0);
                match listing.next {
                    Some(next) => query.token = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, whole, "pages of {max}");
        }
    }
    let none = ListQuery { max: 0, ..ListQuery::default() };
    assert_eq!(list(&store, &none), (Vec::new(), false));
    let forged = ListQuery { token: Some("%%%".to_owned()), ..ListQuery::default() };
    assert_eq!(store.list("lab", &forged).unwrap_err(), StoreError::UnknownToken);
}

#[test]
fn version_pages() {
    let store = lab();
    for key in ["a", "b", "b", "c/1"] {
        store.put("lab", key, "x", None).expect("put");
    }
    store.delete("lab", "b", None).expect("delete");
    for max in 1..=6 {
        let mut query = VersionQuery { max, ..VersionQuery::default() };
        let mut seen = Vec::new();
        loop {
            let page = store.list_versions("lab", &query).expect("list");
            seen.extend(
                page.versions
                    .iter()
                    .map(|(key, version, latest)| (key.clone(), version.object.is_some(), *latest)),
            );
            let Some((key, version)) = page.next else { break };
            query.key_marker = Some(key);
            query.version_marker = version;
        }
        let expected = [
            ("a", true, true),
            ("b", false, true),
            ("b", true, false),
            ("b", true, false),
            ("c/1", true, true),
        ];
        let expected: Vec<_> =
            expected.iter().map(|&(key, live, latest)| (key.to_owned(), live, latest)).collect();
        assert_eq!(seen, expected, "pages of {max}");
    }
    let query = VersionQuery { delimiter: Some("/".to_owned()), ..VersionQuery::default() };
    assert_eq!(store.list_versions("lab", &query).expect("list").prefixes, ["c/"]);
}

#[test]
fn parts_become_one_object() {
    let store = lab();
    let upload =
        store.create_upload("lab", "big", Attributes::default(), None).expect("create upload");
    let large = vec![7_u8; 5 * 1024 * 1024];
    let part = |number, body: Vec<u8>| {
        let part = UploadedPart::new(number, Bytes::from(body), Checksum::default());
        let etag = part.etag.clone();
        store.upload_part("lab", "big", &upload, part).expect("upload part");
        CompletedPart { number, etag: Some(etag), checksum: Checksum::default() }
    };
    let (first, second) = (part(1, large.clone()), part(2, vec![8; 3]));
    let complete = |parts: &[CompletedPart]| {
        store.complete_upload("lab", "big", &upload, parts, &Precondition::None)
    };
    let reversed = [second.clone(), first.clone()];
    assert_eq!(complete(&reversed).map(|_| ()), Err(StoreError::InvalidPartOrder));
    let unknown = [CompletedPart { number: 9, etag: None, checksum: Checksum::default() }];
    assert_eq!(complete(&unknown).map(|_| ()), Err(StoreError::InvalidPart));
    let version = complete(&[first, second]).expect("complete");
    let object = version.object.expect("an object");
    assert_eq!(object.body.len(), large.len() + 3);
    assert!(object.etag.ends_with("-2"), "{}", object.etag);
    assert_eq!(object.parts.len(), 2);
    assert_eq!(complete(&[]).map(|_| ()), Err(StoreError::NoSuchUpload));
}

#[test]
fn small_parts_and_abandoned_uploads() {
    let store = lab();
    let upload = store.create_upload("lab", "k", Attributes::default(), None).expect("create");
    let before = store.read().weight;
    for number in [1, 2] {
        let part = UploadedPart::new(number, Bytes::from("x"), Checksum::default());
        store.upload_part("lab", "k", &upload, part).expect("upload part");
    }
    let named =
        [1, 2].map(|number| CompletedPart { number, etag: None, checksum: Checksum::default() });
    let completed = store.complete_upload("lab", "k", &upload, &named, &Precondition::None);
    assert_eq!(completed.map(|_| ()), Err(StoreError::PartTooSmall));
    assert_eq!(store.abort_upload("lab", "other", &upload), Err(StoreError::NoSuchUpload));
    assert_eq!(store.abort_upload("lab", "k", &upload), Ok(()));
    assert!(store.read().weight <= before);
}
