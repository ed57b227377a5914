//! The choice of the family, and the look at a catalog token.

use super::*;
use crate::auth::{Family, family_of, peek_catalog};

#[test]
fn the_family_is_chosen_by_form_and_never_changed() {
    let basic = sign_raw(
        r#"{"typ":"JWT","alg":"HS256"}"#,
        &json!({"id": "i", "uuid": "u", "exp": NOW + 60}).to_string(),
        SECRET,
    );
    let kid_only = sign_raw(HEADER, &json!({"id": "i", "exp": NOW + 60}).to_string(), SECRET);
    let iss_only = sign_raw(
        r#"{"alg":"HS256"}"#,
        &json!({"iss": "me", "id": "i", "exp": NOW + 60}).to_string(),
        SECRET,
    );
    let null_iss = sign_raw(
        r#"{"alg":"HS256"}"#,
        &json!({"iss": null, "id": "i", "exp": NOW + 60}).to_string(),
        SECRET,
    );
    let twice = sign_raw(r#"{"alg":"HS256"}"#, r#"{"id":"a","id":"b"}"#, SECRET);
    for (token, family) in [
        (basic.as_str(), Family::Catalog),
        ("qk_abc", Family::Catalog),
        ("qk_", Family::Catalog),
        (&kid_only, Family::Enhanced),
        (&iss_only, Family::Enhanced),
        (&null_iss, Family::Enhanced),
        (&twice, Family::Enhanced),
        ("QK_abc", Family::Enhanced),
        ("", Family::Enhanced),
        ("a.b.c", Family::Enhanced),
        (&basic[..=basic.rfind('.').unwrap()], Family::Enhanced),
    ] {
        assert_eq!(family_of(token), family, "{token}");
        match family {
            // Rightly signed with our own secret, and still not ours to accept.
            Family::Catalog => assert_eq!(
                blamed(verifier(Policy::default()).verify(token, at(NOW))),
                "invalid_token"
            ),
            Family::Enhanced => {
                assert_eq!(peek_catalog(token, at(NOW), 5).unwrap_err().code(), "invalid_token")
            }
        }
    }
    assert_eq!(
        serde_json::to_string(&[Family::Enhanced, Family::Catalog]).unwrap(),
        r#"["enhanced","catalog"]"#
    );
}

#[test]
fn a_catalog_token_is_looked_at_but_not_believed() {
    let peek = |payload: Value| {
        peek_catalog(&sign_raw(r#"{"alg":"HS256"}"#, &payload.to_string(), "theirs"), at(NOW), 5)
    };
    let found = peek(json!({"id": "i", "uuid": "u", "exp": NOW - 4})).unwrap();
    assert_eq!((found.subject.as_deref(), found.expires_at), (Some("i"), Some(at(NOW - 4))));
    assert_eq!(peek(json!({"id": "i", "exp": NOW - 5})), Err(Refusal::TokenExpired));
    for payload in [
        json!({"id": "i"}),
        json!({"id": "i", "exp": null}),
        json!({"exp": NOW}),
        json!({"id": 1, "exp": NOW}),
        json!({"id": "", "exp": NOW}),
        json!({"sub": "i", "exp": NOW}),
        json!({"id": "a\nb", "exp": NOW}),
    ] {
        assert_eq!(peek(payload.clone()).unwrap_err().code(), "invalid_claims", "{payload}");
    }
    let key = peek_catalog("qk_abc", at(NOW), 5).unwrap();
    assert_eq!((key.subject, key.expires_at), (None, None));
    let none = sign_raw(r#"{"alg":"nOne"}"#, &json!({"id": "i", "exp": NOW}).to_string(), "x");
    assert_eq!(peek_catalog(&none, at(NOW), 5).unwrap_err().code(), "invalid_token");
}
