use super::{Decision, Policy, Request};

const LAB: &str = "arn:aws:s3:::lab";
const LAB_OBJECT: &str = "arn:aws:s3:::lab/a/b.csv";

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#))
        .expect("a policy")
}

fn refused(text: &str) -> String {
    Policy::parse(text).expect_err(text).to_string()
}

fn decide(policy: &Policy, action: &str, resource: &str) -> Decision {
    policy.evaluate(&Request::new(action, resource))
}

#[test]
fn default_is_deny() {
    assert_eq!(decide(&Policy::deny_all(), "s3:GetObject", LAB_OBJECT), Decision::ImplicitDeny);
    let other = policy(r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}"#);
    assert_eq!(decide(&other, "s3:GetObject", LAB_OBJECT), Decision::ImplicitDeny);
}

#[test]
fn actions_have_wildcards_and_no_case() {
    let reading =
        policy(r#"[{"Effect":"Allow","Action":["S3:get*","s3:List?ucket"],"Resource":"*"}]"#);
    assert_eq!(decide(&reading, "s3:GetObject", LAB_OBJECT), Decision::Allow);
    assert_eq!(decide(&reading, "s3:ListBucket", LAB), Decision::Allow);
    assert_eq!(decide(&reading, "s3:ListBucketVersions", LAB), Decision::ImplicitDeny);
    assert_eq!(decide(&reading, "s3:PutObject", LAB_OBJECT), Decision::ImplicitDeny);
}

#[test]
fn resources_keep_their_case_and_their_ends() {
    let lab = policy(
        r#"{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::lab","arn:aws:s3:::lab/*"]}"#,
    );
    assert_eq!(decide(&lab, "s3:ListBucket", LAB), Decision::Allow);
    assert_eq!(decide(&lab, "s3:GetObject", LAB_OBJECT), Decision::Allow);
    for elsewhere in
        ["arn:aws:s3:::lab2", "arn:aws:s3:::lab2/a", "arn:aws:s3:::LAB/a", "arn:aws:s3:::xlab"]
    {
        assert_eq!(decide(&lab, "s3:GetObject", elsewhere), Decision::ImplicitDeny, "{elsewhere}");
    }
}

#[test]
fn an_explicit_deny_wins_in_either_order() {
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}"#;
    for statements in [format!("[{allow},{deny}]"), format!("[{deny},{allow}]")] {
        let policy = policy(&statements);
        assert_eq!(decide(&policy, "s3:DeleteObject", LAB_OBJECT), Decision::ExplicitDeny);
        assert_eq!(decide(&policy, "s3:GetObject", LAB_OBJECT), Decision::Allow);
    }
}

#[test]
fn not_action_and_not_resource_are_complements() {
    let but = policy(
        r#"{"Effect":"Allow","NotAction":"s3:Delete*","NotResource":"arn:aws:s3:::secret*"}"#,
    );
    assert_eq!(decide(&but, "s3:GetObject", LAB_OBJECT), Decision::Allow);
    assert_eq!(decide(&but, "s3:DeleteObject", LAB_OBJECT), Decision::ImplicitDeny);
    assert_eq!(decide(&but, "s3:GetObject", "arn:aws:s3:::secret/a"), Decision::ImplicitDeny);
}

#[test]
fn prefix_conditions() {
    let prefixed = policy(
        r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*",
            "Condition":{"StringLike":{"S3:Prefix":["home/*","pub"]}}}"#,
    );
    let list = |prefix: &str| {
        prefixed.evaluate(&Request::new("s3:ListBucket", LAB).with("s3:prefix", prefix))
    };
    assert_eq!(list("home/alice"), Decision::Allow);
    assert_eq!(list("pub"), Decision::Allow);
    assert_eq!(list("public"), Decision::ImplicitDeny);
    assert_eq!(decide(&prefixed, "s3:ListBucket", LAB), Decision::ImplicitDeny, "no prefix at all");
}

#[test]
fn all_conditions_must_hold() {
    let both = policy(
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
            "Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"},
                         "StringLike":{"s3:prefix":"a*"}}}"#,
    );
    let via = Request::new("kms:Decrypt", "*").with("kms:ViaService", "s3.us-east-1.amazonaws.com");
    assert_eq!(both.evaluate(&via), Decision::ImplicitDeny);
    assert_eq!(both.evaluate(&via.with("s3:prefix", "abc")), Decision::Allow);
}

#[test]
fn what_cannot_be_judged_never_widens() {
    for condition in [
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        r#"{"StringEquals":{"aws:PrincipalTag/team":"x"}}"#,
        r#"{"StringNotLike":{"s3:prefix":"secret"}}"#,
        r#"{"StringLikeIfExists":{"s3:prefix":"*"}}"#,
    ] {
        let statement = |effect: &str| {
            format!(
                r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#
            )
        };
        let request = Request::new("s3:ListBucket", LAB).with("s3:prefix", "x");
        assert_eq!(
            policy(&statement("Allow")).evaluate(&request),
            Decision::ImplicitDeny,
            "{condition}"
        );
        assert_eq!(
            policy(&statement("Deny")).evaluate(&request),
            Decision::ExplicitDeny,
            "{condition}"
        );
    }
}

#[test]
fn malformed_documents_are_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"Statement":[]}"#,
        r#"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"lab/*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"s3:*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} trailing"#,
    ] {
        assert!(!refused(text).is_empty());
    }
}
