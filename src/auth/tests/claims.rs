//! T11 to T17: what claims grant, and above all what they do not.

use std::collections::BTreeSet;

use super::*;
use crate::auth::{ClaimForm, Disagreement};
use crate::domain::{Action, BucketName, Buckets};

fn buckets(extra: Value) -> Result<Vec<String>, Refusal> {
    verify(&claims(extra)).map(|p| match p.grants().buckets() {
        Buckets::Listed(names) => names.iter().map(ToString::to_string).collect(),
        other => vec![format!("{other:?}")],
    })
}

fn packed(kind: &str, data: Value) -> Value {
    json!({"b": {"_type": kind, "_data": data}})
}

#[test]
fn t11_malformed_bucket_lists_are_refused_by_name() {
    for b in [
        json!(null),
        json!("quilt-a"),
        json!(1),
        json!(true),
        json!({}),
        json!([1]),
        json!([null]),
        json!([["quilt-a"]]),
        json!([{"name": "quilt-a"}]),
        json!({"_data": ["quilt-a"]}),
        json!({"_type": "groups"}),
        json!({"_type": "zip", "_data": []}),
        json!({"_type": null, "_data": {}}),
        json!({"_type": ["groups"], "_data": {}}),
        json!({"_type": "Groups", "_data": {}}),
        json!({"_type": "groups", "_data": ["quilt-a"]}),
        json!({"_type": "groups", "_data": null}),
        json!({"_type": "groups", "_data": {"quilt": "a"}}),
        json!({"_type": "groups", "_data": {"quilt": [1]}}),
        json!({"_type": "groups", "_data": {"quilt": null}}),
        json!({"_type": "groups", "_data": {"quilt": {"a": 1}}}),
        json!({"_type": "groups", "_data": {"": ["x"]}}),
        json!({"_type": "groups", "_data": {"": [""]}}),
        json!({"_type": "patterns", "_data": ["quilt-a"]}),
        json!({"_type": "patterns", "_data": {"quilt": ["*"]}}),
        json!({"_type": "patterns", "_data": {"other": ["quilt-.*"]}}),
        json!({"_type": "compressed", "_data": ["quilt-a"]}),
        json!({"_type": "compressed", "_data": ""}),
        // ["a-b"] unpadded, url-safe, with white space, with stray bits, not an array, not strings
        json!({"_type": "compressed", "_data": "WyJhYWEiLCJiYmIiXQ"}),
        json!({"_type": "compressed", "_data": "WyJhYWEiLCJiYmIiXQ=\n="}),
        json!({"_type": "compressed", "_data": "WyJhYWEiLCJiYmIiXR=="}),
        json!({"_type": "compressed", "_data": "WyI_Pz8-Il0="}),
        json!({"_type": "compressed", "_data": "eyJhIjoiYiJ9"}),
        json!({"_type": "compressed", "_data": "WzEsMl0="}),
        json!({"_type": "compressed", "_data": "Im5vdC1hbi1hcnJheSI="}),
        json!({"_type": "compressed", "_data": "bm90IGpzb24="}),
    ] {
        assert_eq!(blamed(verify(&claims(json!({"b": b})))), "b", "{b}");
        // Not even beside a good explicit claim.
        assert_eq!(blamed(verify(&claims(json!({"b": b, "buckets": ["quilt-a"]})))), "b", "{b}");
    }
}

#[test]
fn t11_malformed_explicit_lists_are_refused_by_name() {
    for explicit in [
        json!(null),
        json!({}),
        json!("quilt-a"),
        json!([1]),
        json!([{}]),
        json!([{"name": 1}]),
        json!([null]),
        json!({"name": "quilt-a"}),
    ] {
        assert_eq!(
            blamed(verify(&claims(json!({"buckets": explicit, "b": ["quilt-a"]})))),
            "buckets",
            "{explicit}"
        );
    }
}

#[test]
fn t11_the_other_claims_are_refused_by_name_too() {
    for field in ["permissions", "p", "roles", "r"] {
        for value in [json!(null), json!("gl"), json!({}), json!([1]), json!([["g"]]), json!(7)] {
            assert_eq!(blamed(verify(&claims(json!({field: value})))), field, "{value}");
        }
    }
    for field in ["scope", "s", "level", "l"] {
        for value in
            [json!(null), json!(1), json!(["w"]), json!({}), json!("a\nb"), json!("x".repeat(2049))]
        {
            assert_eq!(blamed(verify(&claims(json!({field: value})))), field, "{value}");
        }
    }
    for sub in
        [json!(null), json!(1), json!(""), json!("a\0b"), json!("x".repeat(257)), json!(["alice"])]
    {
        assert_eq!(blamed(verify(&claims(json!({"sub": sub, "id": "alice"})))), "sub", "{sub}");
    }
    assert_eq!(blamed(verify(&claims(json!({"jti": 1})))), "jti");
    assert_eq!(blamed(verify(&claims(json!({"roles": [""]})))), "roles");
    assert_eq!(blamed(verify(&claims(json!({"r": vec!["r"; 257]})))), "r");
}

#[test]
fn the_subject_is_sub_or_else_id() {
    let subject = |payload| verify(&payload).map(|p| p.subject().to_owned());
    let base = json!({"iss": "me", "exp": NOW + 60});
    let with = |extra: Value| {
        let mut payload = base.clone();
        payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        payload
    };
    assert_eq!(subject(with(json!({"sub": "s", "id": "i"}))).as_deref(), Ok("s"));
    assert_eq!(subject(with(json!({"id": "i"}))).as_deref(), Ok("i"));
    assert_eq!(subject(with(json!({"sub": "x".repeat(256)}))).map(|s| s.len()), Ok(256));
    assert_eq!(blamed(verify(&base)), "sub");
    assert_eq!(blamed(verify(&with(json!({"id": 5})))), "id");
}

#[test]
fn t12_no_claims_no_grants() {
    for extra in [
        json!({}),
        json!({"permissions": []}),
        json!({"p": []}),
        json!({"permissions": [], "p": ["g"], "buckets": [], "b": ["quilt-a"]}),
        json!({"level": "admin", "scope": "w", "roles": ["AdminQuilt"], "capabilities": ["bucket:x:write"], "groups": ["g"]}),
        json!({"permissions": ["*", "s3:*", "admin"], "buckets": ["quilt-a"]}),
    ] {
        let principal = verify(&claims(extra)).unwrap();
        for action in Action::ALL {
            assert!(!principal.grants().has_somewhere(*action), "{principal:?}");
            assert!(!principal.grants().allows(*action, &BucketName::parse("quilt-a").unwrap()));
        }
    }
}

#[test]
fn t13_the_explicit_claim_wins_and_a_difference_is_kept() {
    let both = verify(&claims(json!({
        "permissions": ["s3:GetObject"], "p": ["g", "p", "x"], "buckets": [], "b": ["quilt-a", "quilt-b"],
        "roles": ["A", "B"], "r": ["B", "A"], "scope": "read", "s": "w", "level": "read", "l": "admin",
    })))
    .unwrap();
    assert!(!both.grants().has(Action::PutObject));
    assert_eq!(both.grants().buckets(), &Buckets::Listed(BTreeSet::new()));
    assert_eq!((both.scope(), both.level()), (Some("read"), Some("read")));
    assert_eq!(both.roles(), ["A", "B"]);
    let d = |field, explicit, abbreviated| Disagreement { field, explicit, abbreviated };
    assert_eq!(
        both.disagreements(),
        [d("permissions", 1, 3), d("buckets", 0, 2), d("scope", 1, 1), d("level", 1, 1)]
    );
    let agreed = verify(&claims(json!({
        "permissions": ["s3:PutObject", "s3:GetObject", "g"], "p": ["g", "p"], "buckets": [{"name": "quilt-a", "write": true}], "b": ["quilt-a"],
    })))
    .unwrap();
    assert!(agreed.disagreements().is_empty());
    assert_eq!(agreed.claim_forms().buckets, Some(ClaimForm::Explicit));
    assert_eq!(agreed.claim_forms().roles, None);
    let short = verify(&claims(
        json!({"p": ["g"], "b": {"_type": "groups", "_data": {}}, "s": "w", "l": "read", "r": []}),
    ))
    .unwrap();
    assert_eq!(short.claim_forms().permissions, Some(ClaimForm::Abbreviated));
    assert_eq!(short.claim_forms().buckets, Some(ClaimForm::Groups));
    assert_eq!((short.scope(), short.level()), (Some("w"), Some("read")));
}

#[test]
fn t14_limits_hold_before_anything_is_unfolded() {
    let names = |n: usize| (0..n).map(|i| format!("b{i}")).collect::<Vec<_>>();
    let long = |n: usize| json!({"long-prefix-of-a-group": names(n)});
    assert_eq!(buckets(packed("groups", long(1024))).map(|b| b.len()), Ok(1024));
    let short: Vec<_> = (0..1025).map(|i| format!("{i:03}")).collect();
    for extra in [
        packed("groups", long(1025)),
        packed("patterns", json!({"a": short[..600], "b": short[600..]})),
        json!({"b": short}),
        packed("groups", json!({"x": names(600), "y": names(600)})),
    ] {
        let refusal = verify(&claims(extra)).unwrap_err();
        assert!(refusal.detail().contains("1024"), "{refusal}");
    }
    // A prefix of 10 KB times 600: 6 MB if it were put together first.
    let bomb = packed("groups", json!({"p".repeat(6_000): names(600)}));
    let refusal = verify(&claims(bomb)).unwrap_err();
    assert!(refusal.detail().contains("64 KiB"), "{refusal}");
    let deep = json!({"_type": "groups", "_data": {"q": [[[[[[["a"]]]]]]]}});
    assert_eq!(blamed(verify(&claims(json!({"b": deep})))), "b");
    assert_eq!(blamed(verify(&claims(json!({"x": [[[[[[[[[]]]]]]]]]})))), "x");
}

#[test]
fn t14_the_formats_unfold_to_exactly_what_was_packed() {
    for (extra, names) in [
        (
            packed(
                "groups",
                json!({"quilt": ["sandbox-bucket", "demos"], "fl": ["158-raw"], "udp": ["spec"], "plain": ["plain"]}),
            ),
            vec!["fl-158-raw", "plain", "quilt-demos", "quilt-sandbox-bucket", "udp-spec"],
        ),
        (
            packed("groups", json!({"cell": ["cell-lake"], "other": ["x"]})),
            vec!["cell-cell-lake", "other-x"],
        ),
        (
            packed(
                "patterns",
                json!({"quilt": ["a"], "cell": ["cellxgene-x"], "other": ["other-b", "quilt-z"]}),
            ),
            vec!["cellxgene-x", "other-b", "quilt-a", "quilt-z"],
        ),
        // Literals, though they look like expressions.
        (
            packed("patterns", json!({"quilt": ["a.b", "quilt"], "any": ["x.z"]})),
            vec!["quilt-a.b", "quilt-quilt", "x.z"],
        ),
        (packed("compressed", json!("WyJhYWEiLCJiYmIiXQ==")), vec!["aaa", "bbb"]),
        (packed("compressed", json!("W10=")), vec![]),
        (packed("groups", json!({})), vec![]),
        (json!({"b": ["quilt-a", "quilt-a", "abc"]}), vec!["abc", "quilt-a"]),
        (
            json!({"buckets": [{"name": "quilt-a", "access": {"write": true}}, "abc"]}),
            vec!["abc", "quilt-a"],
        ),
    ] {
        assert_eq!(
            buckets(extra.clone()),
            Ok(names.into_iter().map(str::to_owned).collect()),
            "{extra}"
        );
    }
}

#[test]
fn t15_names_that_are_no_bucket_names_are_refused() {
    for name in [
        "",
        "*",
        "**",
        "quilt-*",
        "quilt-?",
        "Quilt-a",
        "a..b",
        "ab",
        "arn:aws:s3:::quilt-a",
        "s3://quilt-a",
        "quilt-a/",
        "quilt-a/x",
        "quilt\u{2010}a",
        "quilt-\u{430}",
        "quilt-a\0",
        " quilt-a",
        "quilt-a\n",
        "quilt_a",
        ".*",
        "[a-z]+",
        "quilt-a--x-s3",
        "%71uilt-a",
    ] {
        assert_eq!(blamed(verify(&claims(json!({"buckets": [name]})))), "buckets", "{name:?}");
        assert_eq!(
            blamed(verify(&claims(json!({"buckets": ["quilt-a", {"name": name}]})))),
            "buckets",
            "{name:?}"
        );
        assert_eq!(blamed(verify(&claims(json!({"b": [name]})))), "b", "{name:?}");
        assert_eq!(
            blamed(verify(&claims(packed("patterns", json!({"other": [name]}))))),
            "b",
            "{name:?}"
        );
    }
}

#[test]
fn t15_the_wildcard_only_alone_and_only_where_configured() {
    let open = verifier(Policy { wildcard_buckets: true, ..Policy::default() });
    let refusal = verify(&claims(json!({"buckets": ["*"]}))).unwrap_err();
    assert!(refusal.detail().contains("QUILT_MCP_WILDCARD_BUCKETS"), "{refusal}");
    let accepted =
        open.verify(&sign(&claims(json!({"buckets": ["*"], "p": ["g"]}))), at(NOW)).unwrap();
    assert_eq!(accepted.grants().buckets(), &Buckets::All);
    for b in [
        json!(["*", "*"]),
        json!(["*", "quilt-a"]),
        json!(["quilt-*"]),
        json!(["**"]),
        json!([" *"]),
    ] {
        assert_eq!(
            blamed(open.verify(&sign(&claims(json!({"buckets": b}))), at(NOW))),
            "buckets",
            "{b}"
        );
    }
    // A wildcard in the short claim does not widen the explicit list.
    let both =
        open.verify(&sign(&claims(json!({"buckets": ["quilt-a"], "b": ["*"]}))), at(NOW)).unwrap();
    assert!(matches!(both.grants().buckets(), Buckets::Listed(names) if names.len() == 1));
}

#[test]
fn t17_a_role_claim_is_one_role_arn() {
    let arn = "arn:aws-us-gov:iam::123456789012:role/path/Reader";
    for field in ["aws_role_arn", "awsRoleArn", "role_arn", "roleArn"] {
        let principal = verify(&claims(json!({field: arn}))).unwrap();
        assert_eq!(principal.role_arn().map(|r| r.as_str()), Some(arn));
        for bad in [
            json!(null),
            json!(1),
            json!(""),
            json!("Reader"),
            json!("arn:aws:iam::123456789012:user/x"),
            json!([arn]),
        ] {
            assert_eq!(blamed(verify(&claims(json!({field: bad})))), field, "{bad}");
        }
    }
    assert!(verify(&claims(json!({"role_arn": arn, "roleArn": arn}))).is_ok());
    let other = "arn:aws:iam::123456789012:role/Admin";
    assert_eq!(blamed(verify(&claims(json!({"role_arn": arn, "roleArn": other})))), "roleArn");
    let roles = verify(&claims(json!({"roles": ["B", arn, "A", "B"]}))).unwrap();
    assert_eq!(
        (roles.roles(), roles.role_arn()),
        (["B", arn, "A", "B"].map(str::to_owned).as_slice(), None)
    );
}

#[test]
fn t37_credentials_in_a_token_only_where_configured() {
    let token = sign(&claims(
        json!({"aws_credentials": {"access_key_id": "A", "secret_access_key": "S", "session_token": "T"}}),
    ));
    let off = verifier(Policy::default()).verify(&token, at(NOW)).unwrap();
    assert!(off.credentials_claim().is_none() && off.token_credentials_ignored());
    let policy = || Policy { token_credentials: true, ..Policy::default() };
    let on = verifier(policy()).verify(&token, at(NOW)).unwrap();
    assert!(on.credentials_claim().is_some() && !on.token_credentials_ignored());
    assert!(!format!("{on:?}").contains("\"S\""));
    let bad = sign(&claims(json!({"awsCredentials": {}})));
    assert!(verifier(Policy::default()).verify(&bad, at(NOW)).is_ok());
    assert_eq!(blamed(verifier(policy()).verify(&bad, at(NOW))), "awsCredentials");
    assert!(!verify(&claims(json!({}))).unwrap().token_credentials_ignored());
}
