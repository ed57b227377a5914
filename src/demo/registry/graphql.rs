//! Answers to `me` and `bucketConfigs`, with the caller's own role and buckets.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::directory::Account;
use super::document::{self, Field};
use crate::demo::seed;

#[derive(Deserialize)]
struct Asked {
    query: String,
}

/// The answer to one GraphQL request: 200 with `data` or with `errors`, 400 for a body that is not
/// one.
pub(super) fn answer(account: &Account, body: &[u8]) -> (StatusCode, Value) {
    let Ok(asked) = serde_json::from_slice::<Asked>(body) else {
        return (StatusCode::BAD_REQUEST, errors("The body is not a GraphQL request"));
    };
    let answered = document::parse(&asked.query)
        .and_then(|fields| select(&Value::Object(root(account, &fields)), &fields, "Query"));
    match answered {
        Ok(data) => (StatusCode::OK, json!({ "data": data })),
        Err(message) => (StatusCode::OK, errors(&message)),
    }
}

/// What the root fields asked for stand for; a field that is not in here is unknown.
fn root(account: &Account, asked: &[Field]) -> Map<String, Value> {
    let mut root = Map::new();
    for field in asked {
        let value = match field.name.as_str() {
            "__typename" => json!("Query"),
            "me" => me(account),
            "bucketConfigs" => bucket_configs(account),
            _ => continue,
        };
        root.insert(field.name.clone(), value);
    }
    root
}

fn me(account: &Account) -> Value {
    let role = |name: &String| json!({ "__typename": "MyRole", "name": name });
    let roles: Vec<Value> = account.role_names.iter().map(role).collect();
    json!({
        "__typename": "Me",
        "name": account.name,
        "email": account.email,
        "isAdmin": false,
        "role": role(&account.role.name),
        "roles": roles,
    })
}

fn bucket_configs(account: &Account) -> Value {
    let known =
        seed::BUCKETS.iter().filter(|bucket| account.role.buckets.contains_key(bucket.name));
    let config = |bucket: &seed::SampleBucket| {
        json!({
            "__typename": "BucketConfig",
            "name": bucket.name,
            "title": bucket.title,
            "description": bucket.description,
            "iconUrl": null,
            "tags": null,
            "relevanceScore": 0,
            "browsable": true,
        })
    };
    Value::Array(known.map(config).collect())
}

/// Cuts `value` down to the fields asked for.
fn select(value: &Value, fields: &[Field], within: &str) -> Result<Value, String> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| select(item, fields, within))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(_) if fields.is_empty() => {
            Err(format!("Field '{within}' must have a selection of subfields"))
        }
        Value::Object(known) => {
            let mut selected = Map::new();
            for field in fields {
                let value = known
                    .get(&field.name)
                    .ok_or_else(|| format!("Cannot query field '{}' on '{within}'.", field.name))?;
                let cut = select(value, &field.fields, &field.name)?;
                selected.insert(field.answer_name.clone(), cut);
            }
            Ok(Value::Object(selected))
        }
        scalar if fields.is_empty() => Ok(scalar.clone()),
        _ => Err(format!("Field '{within}' must not have a selection")),
    }
}

fn errors(message: &str) -> Value {
    json!({ "errors": [{ "message": message }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::roles::{Access, QuiltRole};

    fn ask(query: &str) -> Value {
        let role = QuiltRole::new("R", "I", &[("quilt-shared", Access::Read)]);
        let account = Account {
            name: "alice".to_owned(),
            email: "a@demo.invalid".to_owned(),
            role_names: vec!["R".to_owned()],
            role,
        };
        answer(&account, json!({ "query": query }).to_string().as_bytes()).1
    }

    #[test]
    fn answers_what_is_asked_and_no_more() {
        assert_eq!(
            ask("{ who: me { name isAdmin role { name } roles { name } } }"),
            json!({ "data": { "who": {
                "name": "alice", "isAdmin": false, "role": { "name": "R" }, "roles": [{ "name": "R" }],
            } } })
        );
        assert_eq!(
            ask("query { bucketConfigs { name } }"),
            json!({ "data": { "bucketConfigs": [{ "name": "quilt-shared" }] } })
        );
        for query in
            ["{ secrets }", "{ me }", "{ me { password } }", "{ me { name { x } } }", "nonsense"]
        {
            let answer = ask(query);
            assert!(answer.get("errors").is_some() && answer.get("data").is_none(), "{query}");
        }
    }
}
