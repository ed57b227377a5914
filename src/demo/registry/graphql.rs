//! The GraphQL endpoint: a document is validated against the demo's part of the registry's schema, in the
//! generation that the registry speaks, then executed with what the caller's role may see.

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

use super::{
    admin, construct,
    directory::{Account, Registry},
    packages,
    refused::arm,
    search, tabulator,
};
use crate::demo::{roles::Access, seed, store::Store};

type Parsed = Result<Valid<Schema>, String>;

/// Today's generation.
static NEW: LazyLock<Parsed> =
    LazyLock::new(|| parse(include_str!("schema-new.graphql"), "schema-new.graphql"));

/// The older one.
static OLD: LazyLock<Parsed> =
    LazyLock::new(|| parse(include_str!("schema-old.graphql"), "schema-old.graphql"));

fn parse(own: &str, name: &str) -> Parsed {
    let builder = Schema::builder().parse(include_str!("schema.graphql"), "schema.graphql");
    let schema = builder.parse(own, name).build().map_err(|errors| errors.to_string())?;
    schema.validate().map_err(|errors| errors.to_string())
}

/// The schema of a generation.
///
/// # Errors
/// What is wrong with the files, which a test would show.
pub(super) fn schema(old: bool) -> Result<&'static Valid<Schema>, String> {
    if old { OLD.as_ref() } else { NEW.as_ref() }.map_err(Clone::clone)
}

/// What one caller sees.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub account: &'a Account,
    pub store: &'a Store,
    pub registry: &'a Registry,
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
    let schema = schema(view.registry.speaks_old())?;
    let document = ExecutableDocument::parse_and_validate(schema, asked.query, "request.graphql")
        .map_err(|wrong| wrong.errors.to_string())?;
    let said = |error: RequestError| error.message().to_string();
    let variables = asked.variables.unwrap_or_default();
    let execution = Execution::new(schema, &document)
        .operation_name(asked.operation_name.as_deref())
        .map_err(said)?
        .raw_variable_values(&variables)
        .enable_schema_introspection(true);
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

    /// Whether the catalog tells the caller of a bucket: administrators are told of all.
    pub(super) fn sees(&self, bucket: &str) -> bool {
        self.account.is_admin || self.may(Access::Read, bucket)
    }
}

/// Refuses a field that the schema has for administrators to everybody else.
fn admitted(view: View<'_>, info: &ResolveInfo<'_>) -> Result<(), FieldError> {
    match info.field_definition().directives.has("admin") && !view.account.is_admin {
        true => Err(FieldError { message: "Administrators only".to_owned() }),
        false => Ok(()),
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
        admitted(view, info)?;
        Ok(match info.field_name() {
            "me" => plain(me(view.account), info),
            "bucketConfigs" => {
                let seeded: Vec<&str> = seed::BUCKETS.iter().map(|bucket| bucket.name).collect();
                let others = view.account.role.buckets.keys().map(String::as_str);
                let others = others.filter(|name| !seeded.contains(name));
                let known = seeded.iter().copied().chain(others);
                let seen: Vec<_> = known.filter_map(|name| bucket_config(view, name)).collect();
                plain(Value::Array(seen), info)
            }
            "bucketConfig" => {
                plain(bucket_config(view, &text(info, "name")).unwrap_or_default(), info)
            }
            "searchObjects" => search::first(view, info, search::Kind::Objects)?,
            "searchPackages" => search::first(view, info, search::Kind::Packages)?,
            "searchMoreObjects" => search::more(view, info, search::Kind::Objects),
            "searchMorePackages" => search::more(view, info, search::Kind::Packages),
            "admin" => ResolvedValue::object(admin::Queries(view)),
            "roles" => plain(Value::Array(view.registry.roles()), info),
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
        let view = self.0;
        admitted(view, info)?;
        Ok(match info.field_name() {
            "switchRole" => {
                let chosen = view.registry.choose_role(&view.account.name, &text(info, "roleName"));
                plain(arm(chosen.map(|account| me(&account))), info)
            }
            "packageConstruct" => construct::resolve(view, info)?,
            "bucketSetTabulatorTable" | "bucketRenameTabulatorTable" => admin::tables(view, info),
            "admin" => ResolvedValue::object(admin::Mutations(view)),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

fn me(account: &Account) -> Value {
    let role = |name: &String| json!({ "__typename": "MyRole", "name": name });
    let roles: Vec<Value> = account.role_names.iter().map(role).collect();
    json!({
        "__typename": "Me",
        "name": account.name,
        "email": account.email,
        "isAdmin": account.is_admin,
        "role": role(&account.role.name),
        "roles": roles,
    })
}

/// A bucket as the catalog presents it, if it tells the caller of it.
pub(super) fn bucket_config(view: View<'_>, name: &str) -> Option<Value> {
    let bucket = seed::BUCKETS.iter().find(|bucket| bucket.name == name);
    view.sees(name).then(|| {
        json!({
            "__typename": "BucketConfig",
            "name": name,
            "title": bucket.map_or(name, |bucket| bucket.title),
            "description": bucket.map(|bucket| bucket.description),
            "relevanceScore": 0,
            "browsable": true,
            "tabulatorTables": tabulator::list(view, name),
        })
    })
}

/// An argument's text; empty where it is none.
pub(super) fn text(info: &ResolveInfo<'_>, argument: &str) -> String {
    let value = info.arguments().get(argument).and_then(|value| value.as_str());
    value.unwrap_or_default().to_owned()
}

/// An argument's text, if there is one.
pub(super) fn optional(info: &ResolveInfo<'_>, argument: &str) -> Option<String> {
    info.arguments().get(argument).and_then(|value| value.as_str()).map(str::to_owned)
}

/// An argument's texts.
pub(super) fn texts(info: &ResolveInfo<'_>, argument: &str) -> Vec<String> {
    let values = info.arguments().get(argument).and_then(|value| value.as_array());
    let texts = values.into_iter().flatten().filter_map(|value| value.as_str());
    texts.map(str::to_owned).collect()
}

/// Whether an argument is true.
pub(super) fn flag(info: &ResolveInfo<'_>, argument: &str) -> bool {
    info.arguments().get(argument).and_then(|value| value.as_bool()).unwrap_or_default()
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
