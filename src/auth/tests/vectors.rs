//! Tokens of the real front end, each with and without its explicit claims.

use std::collections::BTreeSet;

use super::*;
use crate::auth::{ClaimForm, EnhancedClaims, Family, describe, family_of, mint};
use crate::domain::Buckets;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/jwt-vectors.json")).unwrap()
}

fn set(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn listed(principal: &Principal) -> BTreeSet<String> {
    match principal.grants().buckets() {
        Buckets::Listed(names) => names.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_decodes_to_the_exact_set_with_and_without_its_explicit_arrays() {
    let vectors = vectors();
    let secret: SecretString = vectors["secret"].as_str().unwrap().into();
    let verifier = Verifier::new(KeySet::single("frontend-enhanced", &secret), Policy::default());
    let now = at(1_800_000_000);
    for (name, case) in vectors["cases"].as_object().unwrap() {
        let token = case["token"].as_str().unwrap();
        assert_eq!(token.len(), case["len"], "{name}");
        let payload = &case["payload"];
        if family_of(token) == Family::Catalog {
            assert_eq!(name, "nobuckets");
            assert!(verifier.verify(token, now).is_err());
            continue;
        }
        let full = verifier.verify(token, now).unwrap();
        let mut bare = payload.clone();
        for field in ["permissions", "buckets", "roles", "scope", "level"] {
            bare.as_object_mut().unwrap().remove(field);
        }
        let bare = mint(&bare, "frontend-enhanced", &secret).unwrap();
        let bare = verifier.verify(&bare, now).unwrap();
        for principal in [&full, &bare] {
            assert_eq!(listed(principal), set(&payload["buckets"]), "{name}");
            assert_eq!(principal.permissions(), &set(&payload["permissions"]), "{name}");
            assert_eq!(json!(principal.roles()), payload["roles"], "{name}");
            assert_eq!(json!(principal.scope()), payload["scope"], "{name}");
            assert_eq!(json!(principal.level()), payload["level"], "{name}");
            assert!(principal.disagreements().is_empty() && principal.ignored().is_empty());
            assert_eq!(json!(principal.subject()), payload["sub"]);
        }
        assert_eq!(full.claim_forms().buckets, Some(ClaimForm::Explicit));
        assert_ne!(bare.claim_forms().buckets, Some(ClaimForm::Explicit));
    }
}

#[test]
fn our_builder_packs_as_the_front_end_does() {
    for (name, case) in vectors()["cases"].as_object().unwrap() {
        let payload = &case["payload"];
        if name == "nobuckets" {
            continue;
        }
        let strings = |field: &str| serde_json::from_value(payload[field].clone()).unwrap();
        let builder = EnhancedClaims {
            buckets: strings("buckets"),
            permissions: strings("permissions"),
            roles: strings("roles"),
            level: payload["level"].as_str().unwrap().to_owned(),
            jwt_id: payload["jti"].as_str().map(str::to_owned),
            ..EnhancedClaims::new(payload["sub"].as_str().unwrap())
        };
        let mut built = builder.to_value(at(payload["iat"].as_i64().unwrap())).unwrap();
        built["exp"] = payload["exp"].clone();
        built["uuid"] = payload["uuid"].clone();
        assert_eq!(&built, payload, "{name}");
    }
}

#[test]
fn what_our_builder_packs_unfolds_to_the_same_set() {
    let many = |prefix: &str| (0..40).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let mut ambiguous = many("quilt-");
    ambiguous.push("plain-plain".into());
    let dashless = (0..20).map(|i| format!("plain{i}")).chain(many("quilt-")).collect();
    for buckets in [
        many("quilt-"),
        many("cellxgene-"),
        many("xyz"),
        ambiguous,
        dashless,
        vec!["one".into()],
        vec![],
    ] {
        for explicit in [true, false] {
            let claims = EnhancedClaims {
                buckets: buckets.clone(),
                explicit,
                ..EnhancedClaims::new("alice")
            };
            let token = claims.sign(at(NOW), "k1", &secret()).unwrap();
            let principal = verifier(Policy::default()).verify(&token, at(NOW)).unwrap();
            assert_eq!(listed(&principal), buckets.iter().cloned().collect());
            assert!(principal.disagreements().is_empty());
        }
    }
    assert!(mint(&json!([]), "k1", &secret()).is_err());
}

#[test]
fn a_description_has_the_members_that_token_decode_prints() {
    let verifier = verifier(Policy::default());
    let token = sign(&claims(
        json!({"b": ["quilt-b", "abc"], "p": ["p", "g", "admin", "athena:X"], "r": ["R"], "s": "w", "l": "read"}),
    ));
    let described = |token: &str, now| {
        let mut value = serde_json::to_value(describe(token, &verifier, at(now))).unwrap();
        // How it is written does not depend on whether it verifies.
        let facts = value.as_object_mut().unwrap().remove("facts").unwrap();
        assert_eq!(facts["ignored_permissions"], json!(["admin"]));
        assert_eq!(
            (&facts["claim_count"], &facts["counts"]["permissions"]),
            (&json!(8), &json!(3))
        );
        value
    };
    let mut wanted = json!({
        "verified": true, "reason": null, "header": {"alg": "HS256", "typ": "JWT", "kid": "k1"},
        "claims": {"subject": "alice", "buckets": ["abc", "quilt-b"], "permissions": ["athena:X", "s3:GetObject", "s3:PutObject"],
            "roles": ["R"], "scope": "w", "level": "read", "expires_at": at(NOW + 60).to_string()},
    });
    assert_eq!(described(&token, NOW), wanted);
    wanted["verified"] = json!(false);
    wanted["reason"] = json!("token_expired: The token has expired; get a new one.");
    assert_eq!(described(&token, NOW + 65), wanted);
    wanted["reason"] = json!("invalid_token: The token's signature does not verify.");
    let (head, _) = token.rsplit_once('.').unwrap();
    assert_eq!(described(&format!("{head}.AAAA"), NOW), wanted);
}

#[test]
fn a_description_says_what_it_cannot_show() {
    let verifier = verifier(Policy::default());
    let described = |token: &str| describe(token, &verifier, at(NOW));
    let bad = described(&sign(&claims(json!({"b": null}))));
    assert!(!bad.verified && bad.claims.is_none() && bad.reason.unwrap().contains("Claim b:"));
    let wild = described(&sign(&claims(json!({"b": ["*"]}))));
    assert!(!wild.verified && wild.claims.unwrap().buckets == ["*"]);
    let basic = described(&sign_raw(
        r#"{"alg":"HS256"}"#,
        &json!({"id": "i", "exp": NOW + 9}).to_string(),
        SECRET,
    ));
    assert!(!basic.verified && basic.reason.unwrap().contains("registry"));
    assert_eq!(basic.claims.unwrap().subject.as_deref(), Some("i"));
    for token in ["qk_abc", "", "a.b.c", "x"] {
        let other = described(token);
        assert!(!other.verified && other.header.is_none() && other.claims.is_none());
    }
}
