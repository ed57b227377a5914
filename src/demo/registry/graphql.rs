//! The GraphQL endpoint: a document is validated against the demo's part of the registry's schema, then
//! executed with what the caller's role may see.

use std::sync::LazyLock;

use apollo_compiler::{
    ExecutableDocument, Schema, ast,
    request::RequestError,
    resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue},
    response::JsonMap,
    validation::Valid,
};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{construct, directory::Account, packages};
use crate::demo::{roles::Access, seed, store::Store};

static SCHEMA: LazyLock<Result<Valid<Schema>, String>> = LazyLock::new(|| {
    Schema::parse_and_validate(include_str!("schema.graphql"), "schema.graphql")
        .map_err(|errors| errors.to_string())
});

/// What one caller sees.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub account: &'a Account,
    pub store: &'a Store,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
    #[serde(default)]
    operation_name: Option<String>,
}

/// The answer to one GraphQL request: 200 with `data` or with `errors`, 400 for a body that is not
/// one.
pub(super) fn answer(view: View<'_>, body: &[u8]) -> (StatusCode, Value) {
    let Ok(asked) = serde_json::from_slice::<Asked>(body) else {
        return (StatusCode::BAD_REQUEST, errors("The body is not a GraphQL request"));
    };
    match execute(view, asked) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(message) => (StatusCode::OK, errors(&message)),
    }
}

fn execute(view: View<'_>, asked: Asked) -> Result<Value, String> {
    let schema = SCHEMA.as_ref().map_err(Clone::clone)?;
    let document = ExecutableDocument::parse_and_validate(schema, asked.query, "request.graphql")
        .map_err(|wrong| wrong.errors.to_string())?;
    let said = |error: RequestError| error.message().to_string();
    let variables = asked.variables.unwrap_or_default();
    let execution = Execution::new(schema, &document)
        .operation_name(asked.operation_name.as_deref())
        .map_err(said)?
        .raw_variable_values(&variables);
    let operation = document.operations.get(asked.operation_name.as_deref()).map_err(said)?;
    let answer = match operation.is_mutation() {
        true => execution.execute_sync(&Mutation(view)),
        false => execution.execute_sync(&Query(view)),
    };
    serde_json::to_value(answer.map_err(said)?).map_err(|error| error.to_string())
}

fn errors(message: &str) -> Value {
    json!({ "errors": [{ "message": message }] })
}

impl View<'_> {
    /// Whether the caller's role reaches the bucket so far.
    pub(super) fn may(&self, access: Access, bucket: &str) -> bool {
        self.account.role.buckets.get(bucket).is_some_and(|has| *has >= access)
    }
}

struct Query<'a>(View<'a>);

impl ObjectValue for Query<'_> {
    fn type_name(&self) -> &str {
        "Query"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let view = self.0;
        Ok(match info.field_name() {
            "me" => plain(me(view.account), info),
            "bucketConfigs" => plain(Value::Array(bucket_configs(view).collect()), info),
            "bucketConfig" => {
                let name = text(info, "name");
                let config = bucket_configs(view).find(|config| config["name"] == name);
                plain(config.unwrap_or_default(), info)
            }
            "packages" => ResolvedValue::nullable_object(packages::List::of(view, info)),
            "package" => {
                let found =
                    packages::Package::find(view, &text(info, "bucket"), &text(info, "name"));
                ResolvedValue::nullable_object(found)
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

struct Mutation<'a>(View<'a>);

impl ObjectValue for Mutation<'_> {
    fn type_name(&self) -> &str {
        "Mutation"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        match info.field_name() {
            "packageConstruct" => construct::resolve(self.0, info),
            _ => Err(self.unknown_field_error(info)),
        }
    }
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

fn bucket_configs(view: View<'_>) -> impl Iterator<Item = Value> {
    let known = seed::BUCKETS.iter().filter(move |bucket| view.may(Access::Read, bucket.name));
    known.map(|bucket| {
        json!({
            "__typename": "BucketConfig",
            "name": bucket.name,
            "title": bucket.title,
            "description": bucket.description,
            "relevanceScore": 0,
            "browsable": true,
        })
    })
}

/// An argument's text; empty where it is none.
pub(super) fn text(info: &ResolveInfo<'_>, argument: &str) -> String {
    let value = info.arguments().get(argument).and_then(|value| value.as_str());
    value.unwrap_or_default().to_owned()
}

/// An argument's number, which the schema has a default for.
pub(super) fn number(info: &ResolveInfo<'_>, argument: &str) -> usize {
    let value = info.arguments().get(argument).and_then(|value| value.as_i64());
    value.and_then(|value| usize::try_from(value).ok()).unwrap_or_default()
}

/// A value whose objects name their types in `__typename`, where the schema has objects.
pub(super) fn plain<'a>(value: Value, info: &ResolveInfo<'_>) -> ResolvedValue<'a> {
    resolved(value, &info.field_definition().ty)
}

fn resolved<'a>(value: Value, ty: &ast::Type) -> ResolvedValue<'a> {
    match value {
        Value::Array(items) if ty.is_list() => {
            let items: Vec<_> =
                items.into_iter().map(|item| resolved(item, ty.item_type())).collect();
            ResolvedValue::list(items)
        }
        Value::Object(members) if members.contains_key("__typename") => {
            ResolvedValue::object(Plain(members))
        }
        leaf => ResolvedValue::Leaf(leaf.into()),
    }
}

/// An object all of whose fields are known.
pub(super) struct Plain(pub Map<String, Value>);

impl ObjectValue for Plain {
    fn type_name(&self) -> &str {
        self.0.get("__typename").and_then(Value::as_str).unwrap_or_default()
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        Ok(plain(self.0.get(info.field_name()).cloned().unwrap_or_default(), info))
    }
}
