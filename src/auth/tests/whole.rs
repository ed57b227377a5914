//! Arbitrary claims: never a panic, never a bucket that nobody wrote down.

use std::collections::BTreeSet;

use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::domain::Buckets;

/// Text that is often nearly a name, a key of the formats, or packed JSON.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}",
        1 => Just("quilt".to_owned()),
        1 => Just("*".to_owned()),
        1 => Just("_type".to_owned()),
        1 => Just("_data".to_owned()),
        1 => Just("groups".to_owned()),
        1 => any::<String>(),
        1 => prop::collection::vec("[a-z]{3,8}", 0..4).prop_map(|v| STANDARD.encode(json!(v).to_string())),
    ]
}

fn arbitrary() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Mostly of the right form, so that the way in is found.
fn bucket_claim() -> impl Strategy<Value = Value> {
    let lists = prop::collection::vec(text(), 0..5).boxed();
    let groups = prop::collection::btree_map(text(), lists.clone(), 0..4);
    prop_oneof![
        arbitrary(),
        lists.prop_map(|l| json!(l)),
        (prop_oneof![Just("groups"), Just("patterns"), Just("compressed"), Just("x")], groups)
            .prop_map(|(kind, data)| json!({"_type": kind, "_data": data})),
        text().prop_map(|data| json!({"_type": "compressed", "_data": data})),
    ]
}

/// Every string of the input, alone and after every key of the input: nothing else may come out.
fn literal(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, key: Option<&str>, out: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                out.insert(text.clone());
                out.extend(key.map(|key| format!("{key}-{text}")));
                if let Some(Ok(inner)) =
                    STANDARD.decode(text).ok().map(|b| serde_json::from_slice(&b))
                {
                    walk(&inner, None, out);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, key, out)),
            Value::Object(map) => map.iter().for_each(|(key, item)| walk(item, Some(key), out)),
            _ => {}
        }
    }
    let mut out = BTreeSet::new();
    walk(value, None, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t11_t14_no_bucket_comes_from_nowhere(
        b in prop::option::of(bucket_claim()),
        buckets in prop::option::weighted(0.3, bucket_claim()),
        p in prop::option::of(arbitrary()),
    ) {
        let mut extra = json!({});
        for (name, value) in [("b", &b), ("buckets", &buckets), ("p", &p)] {
            if let Some(value) = value {
                extra[name] = value.clone();
            }
        }
        let authority = buckets.as_ref().or(b.as_ref()).cloned().unwrap_or(Value::Null);
        let result = verify(&claims(extra));
        if let Ok(principal) = result {
            let Buckets::Listed(names) = principal.grants().buckets() else { panic!("widened") };
            let literal = literal(&authority);
            prop_assert!(names.iter().all(|name| literal.contains(name.as_str())), "{names:?}");
        }
    }

    #[test]
    fn no_text_is_a_token(text in any::<String>(), header in any::<String>(), payload in any::<String>()) {
        let verifier = verifier(Policy::default());
        prop_assert!(verifier.verify(&text, at(NOW)).is_err());
        prop_assert!(verifier.verify(&sign_raw(&header, &payload, SECRET), at(NOW)).is_err());
        prop_assert!(verifier.verify(&sign_raw(HEADER, &payload, SECRET), at(NOW)).is_err());
        let _ = crate::auth::describe(&text, &verifier, at(NOW));
    }
}
