//! T1 to T10: what a signature, a header and a date must be.

use super::*;
use crate::auth::peek_catalog;

fn with_header(header: &str) -> Result<Principal, Refusal> {
    let token = sign_raw(header, &claims(json!({})).to_string(), SECRET);
    verifier(Policy::default()).verify(&token, at(NOW))
}

#[test]
fn t1_no_algorithm_but_hs256_and_no_empty_signature() {
    assert!(with_header(HEADER).is_ok());
    for alg in [
        "none", "None", "NONE", "nOnE", "hs256", "HS256 ", "HS384", "HS512", "RS256", "ES256",
        "EdDSA", "",
    ] {
        let header = json!({"alg": alg, "typ": "JWT", "kid": "k1"}).to_string();
        assert_eq!(blamed(with_header(&header)), "invalid_token", "{alg:?}");
        let token = sign_raw(&header, &claims(json!({})).to_string(), SECRET);
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(blamed(verifier(Policy::default()).verify(unsigned, at(NOW))), "invalid_token");
    }
    for header in
        [r#"{"kid":"k1"}"#, r#"{"alg":null,"kid":"k1"}"#, r#"{"alg":["HS256"],"kid":"k1"}"#]
    {
        assert_eq!(blamed(with_header(header)), "invalid_token", "{header}");
    }
}

// No case for a trailing NUL: HMAC pads a short key with zeros (RFC 2104 section 2), so that is the
// same key.
#[test]
fn t2_only_the_key_s_own_bytes_sign() {
    let payload = claims(json!({})).to_string();
    for secret in ["", "x", &SECRET.to_uppercase(), &format!("{SECRET}\n"), "k1"] {
        let token = sign_raw(HEADER, &payload, secret);
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "invalid_token");
    }
}

#[test]
fn t2_an_empty_secret_is_no_key() {
    let token = sign_raw(HEADER, &claims(json!({})).to_string(), "");
    let verifier = Verifier::new(KeySet::single("k1", &"".into()), Policy::default());
    assert_eq!(blamed(verifier.verify(&token, at(NOW))), "invalid_token");
}

#[test]
fn t3_kid_is_looked_up_and_nothing_else() {
    let long = "k".repeat(129);
    for kid in [
        "../../../dev/null",
        "' OR 1=1 --",
        "|sleep 10",
        "",
        " ",
        "K1",
        "k1 ",
        "k1\0",
        "k1\r\nx: y",
        "\u{212a}1",
        &"k".repeat(10 * 1024),
        &long,
    ] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(blamed(with_header(&header)), "invalid_token", "{kid:?}");
    }
    for kid in [json!(null), json!(1), json!(["k1"]), json!({"k1": 1}), json!(true)] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(blamed(with_header(&header)), "invalid_token", "{kid}");
    }
    // Even a key of that name is not found by an overlong kid.
    let keys = KeySet::single(&long, &secret());
    let token = sign_raw(
        &json!({"alg": "HS256", "kid": long}).to_string(),
        &claims(json!({})).to_string(),
        SECRET,
    );
    assert_eq!(
        blamed(Verifier::new(keys, Policy::default()).verify(&token, at(NOW))),
        "invalid_token"
    );
}

#[test]
fn t3_without_kid_there_must_be_exactly_one_key() {
    let token = sign_raw(r#"{"alg":"HS256"}"#, &claims(json!({})).to_string(), SECRET);
    let with = |keys: &[&str]| {
        let keys = keys.iter().map(|kid| ((*kid).to_owned(), secret()));
        Verifier::new(KeySet::new(keys, 3), Policy::default()).verify(&token, at(NOW))
    };
    assert_eq!(with(&["k1"]).unwrap().kid(), Some("k1"));
    assert_eq!(blamed(with(&["k1", "k2"])), "invalid_token");
    assert_eq!(blamed(with(&[])), "invalid_token");
}

#[test]
fn t3_headers_that_bring_keys_are_not_even_read() {
    for extra in [
        r#""jku":"http://127.0.0.1:1/jwks""#,
        r#""x5u":"http://127.0.0.1:1/c""#,
        r#""x5c":["AAAA"]"#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jku":5"#,
        r#""jwk":"x""#,
    ] {
        let header = format!(r#"{{"alg":"HS256","kid":"k1",{extra}}}"#);
        assert!(with_header(&header).is_ok(), "{header}");
        // Signed with the key that it brings: no.
        let token = sign_raw(&header, &claims(json!({})).to_string(), "\0\0\0");
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "invalid_token");
    }
}

#[test]
fn t4_extensions_are_refused() {
    for extra in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""typ":"JOSE""#,
        r#""typ":"dpop+jwt""#,
        r#""typ":"""#,
        r#""typ":null"#,
        r#""typ":1"#,
        r#""typ":"JWT ""#,
    ] {
        let header = format!(r#"{{"alg":"HS256","kid":"k1",{extra}}}"#);
        assert_eq!(blamed(with_header(&header)), "invalid_token", "{header}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT"] {
        assert!(with_header(&json!({"alg": "HS256", "kid": "k1", "typ": typ}).to_string()).is_ok());
    }
}

#[test]
fn t5_exp_is_a_required_whole_number() {
    for exp in [
        "null",
        "\"1900000000\"",
        "1900000000.0",
        "1.9e9",
        "-1",
        "253402300800",
        "1e300",
        "1e999",
        "18446744073709551615",
        "99999999999999999999",
        "[1]",
        "true",
        "{}",
    ] {
        let payload = format!(r#"{{"iss":"me","sub":"a","exp":{exp}}}"#);
        let token = sign_raw(HEADER, &payload, SECRET);
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "exp", "{exp}");
    }
    assert_eq!(blamed(verify(&json!({"iss": "me", "sub": "a"}))), "exp");
}

#[test]
fn t5_boundaries_are_exact_to_the_second() {
    for leeway in [0i64, 5, 60] {
        let policy = || Policy { leeway_secs: leeway.unsigned_abs(), ..Policy::default() };
        let check = |extra: Value, now: Timestamp| {
            blamed(verifier(policy()).verify(&sign(&claims(extra)), now))
        };
        let end = NOW + 60 + leeway;
        assert!(check(json!({}), at(end - 1)).starts_with("accepted"));
        assert!(
            check(json!({}), at(end) - jiff::SignedDuration::from_nanos(1)).starts_with("accepted")
        );
        for now in [end, end + 1, end + 1_000_000] {
            assert_eq!(check(json!({}), at(now)), "token_expired");
        }
        for claim in ["nbf", "iat"] {
            assert!(check(json!({claim: NOW + leeway}), at(NOW)).starts_with("accepted"));
            assert!(check(json!({claim: NOW + leeway - 1}), at(NOW)).starts_with("accepted"));
            assert_eq!(check(json!({claim: NOW + leeway + 1}), at(NOW)), "invalid_token");
            for bad in [json!(null), json!("1"), json!(1.5), json!(-1)] {
                assert_eq!(check(json!({claim: bad}), at(NOW)), claim);
            }
        }
    }
    let principal = verify(&claims(json!({}))).unwrap();
    assert_eq!(principal.expires_at(), Some(at(NOW + 60)));
    assert_eq!(principal.accepted_until(), Some(at(NOW + 65)));
}

#[test]
fn t5_lifetime_is_limited_only_where_configured() {
    let with = |max, extra: Value| {
        let policy = Policy { max_lifetime_secs: max, ..Policy::default() };
        blamed(verifier(policy).verify(&sign(&claims(extra)), at(NOW)))
    };
    assert!(with(None, json!({"exp": NOW + 90 * 86_400})).starts_with("accepted"));
    assert!(with(Some(3600), json!({"iat": NOW, "exp": NOW + 3600})).starts_with("accepted"));
    assert_eq!(with(Some(3600), json!({"iat": NOW, "exp": NOW + 3601})), "invalid_token");
    assert_eq!(with(Some(3600), json!({"exp": NOW + 3600})), "iat");
}

#[test]
fn t7_issuer_and_audience_of_another_service() {
    let policy =
        Policy { issuer: Some("me".into()), audience: Some("here".into()), ..Policy::default() };
    let check =
        |extra: Value| blamed(verifier(policy.clone()).verify(&sign(&claims(extra)), at(NOW)));
    for aud in [json!("here"), json!(["here"]), json!(["there", "here"])] {
        assert!(check(json!({"aud": aud})).starts_with("accepted"));
    }
    for aud in
        [json!("there"), json!([]), json!(""), json!("Here"), json!("here "), json!(["there"])]
    {
        assert_eq!(check(json!({"aud": aud})), "invalid_token", "{aud}");
    }
    assert_eq!(check(json!({})), "invalid_token");
    for aud in [json!(null), json!(1), json!({"here": 1}), json!([1, "here"]), json!([["here"]])] {
        assert_eq!(check(json!({"aud": aud})), "aud", "{aud}");
        assert_eq!(blamed(verify(&claims(json!({"aud": aud})))), "aud", "{aud}");
    }
    for iss in ["you", "Me", "me ", "me/"] {
        assert_eq!(check(json!({"aud": "here", "iss": iss})), "invalid_token");
    }
    for iss in
        [json!(null), json!(1), json!(["me"]), json!(""), json!("a\nb"), json!("x".repeat(257))]
    {
        assert_eq!(blamed(verify(&claims(json!({"iss": iss})))), "iss", "{iss}");
    }
    assert_eq!(
        blamed(
            verifier(policy.clone()).verify(&sign(&json!({"sub": "a", "exp": NOW + 9})), at(NOW))
        ),
        "invalid_token"
    );
}

#[test]
fn t8_a_token_over_16_kib_is_refused_however_good() {
    let of = |total: usize| {
        let fill = |n: usize| sign(&claims(json!({"x": "x".repeat(n)})));
        let mut n = total * 3 / 4 - 300;
        while fill(n).len() < total {
            n += 1;
        }
        (fill(n), fill(n - 1))
    };
    let (over, fits) = of(16 * 1024 + 1);
    assert!(fits.len() <= 16 * 1024 && over.len() > 16 * 1024);
    assert!(verifier(Policy::default()).verify(&fits, at(NOW)).is_ok());
    for token in [
        over,
        "a".repeat(200 * 1024),
        format!("{}.b.c", "a".repeat(16 * 1024)),
        format!("qk_{}", "a".repeat(16 * 1024)),
    ] {
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "invalid_token");
        assert!(peek_catalog(&token, at(NOW), 5).is_err());
    }
}

#[test]
fn t9_no_second_spelling_of_a_token() {
    let token = sign(&claims(json!({})));
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The signature's last character has two spare bits: three more spellings of the same bytes.
    let (head, last) = token.split_at(token.len() - 1);
    for other in alphabet.chars().filter(|c| !last.contains(*c)) {
        let spelled = format!("{head}{other}");
        assert_eq!(blamed(verifier(Policy::default()).verify(&spelled, at(NOW))), "invalid_token");
    }
    for other in [
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        token.replace('.', ".."),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.x"),
        token.replacen('.', "=.", 1),
        token.replacen('e', "e ", 1),
        String::new(),
        ".".into(),
        "..".into(),
        "é.é.é".into(),
    ] {
        assert_eq!(
            blamed(verifier(Policy::default()).verify(&other, at(NOW))),
            "invalid_token",
            "{other:?}"
        );
    }
}

#[test]
fn t10_duplicates_in_header_and_payload() {
    let payload = claims(json!({})).to_string();
    for header in [
        r#"{"alg":"HS256","alg":"HS256","kid":"k1"}"#,
        r#"{"alg":"none","alg":"HS256","kid":"k1"}"#,
        r#"{"alg":"HS256","kid":"k1","k\u0069d":"k1"}"#,
    ] {
        let token = sign_raw(header, &payload, SECRET);
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "invalid_token");
    }
    for (extra, field) in [
        (r#""sub":"a","sub":"b""#, "sub"),
        (r#""sub":"a","exp":9999999999"#, "exp"),
        (r#""sub":"a","buckets":[],"buckets":[]"#, "buckets"),
        (r#""sub":"a","b":{"_type":"groups","_type":"groups","_data":{}}"#, "b"),
        (r#""sub":"a","b":{"_type":"groups","_data":{"q":["a"],"q":["b"]}}"#, "b"),
        (r#""sub":"a","other":[{"x":1,"x":1}]"#, "other"),
    ] {
        let payload = format!(r#"{{"iss":"me","exp":{},{extra}}}"#, NOW + 60);
        let token = sign_raw(HEADER, &payload, SECRET);
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), field, "{extra}");
    }
    for payload in ["[]", "1", "null", "{", "", "{}{}", "\u{feff}{}"] {
        let token = sign_raw(HEADER, payload, SECRET);
        assert_eq!(blamed(verifier(Policy::default()).verify(&token, at(NOW))), "invalid_token");
    }
}

#[test]
fn an_unsigned_token_learns_nothing_about_its_claims() {
    let texts: std::collections::BTreeSet<_> = [
        claims(json!({})),
        claims(json!({"sub": "bob"})),
        claims(json!({"exp": 1})),
        claims(json!({"b": 1})),
        json!({"iss": 1}),
    ]
    .iter()
    .map(|payload| {
        let token = sign_raw(HEADER, &payload.to_string(), "forged");
        verifier(Policy::default()).verify(&token, at(NOW)).unwrap_err().to_string()
    })
    .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
}
