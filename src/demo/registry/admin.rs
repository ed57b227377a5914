//! `admin { … }`: what administrators may ask and do. Nobody else comes here.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json};

use super::{
    directory::Sso,
    graphql::{View, flag, optional, plain, text, texts},
    people::{NewPerson, Roles},
    refused::{Refusal, arm, input},
    tabulator,
};
use crate::demo::clock;

/// `AdminQueries`.
pub(super) struct Queries<'a>(pub View<'a>);

/// `AdminMutations`.
pub(super) struct Mutations<'a>(pub View<'a>);

struct UserQueries<'a>(View<'a>);

struct UserMutations<'a>(View<'a>);

/// `MutateUserAdminMutations`, of a user who was there when it was asked for.
struct Mutate<'a>(View<'a>, String);

impl ObjectValue for Queries<'_> {
    fn type_name(&self) -> &str {
        "AdminQueries"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let state = self.0.registry.read();
        Ok(match info.field_name() {
            "user" => ResolvedValue::object(UserQueries(self.0)),
            "ssoConfig" => plain(state.sso.as_ref().map(sso).unwrap_or_default(), info),
            "tabulatorOpenQuery" => ResolvedValue::leaf(state.open_query),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for UserQueries<'_> {
    fn type_name(&self) -> &str {
        "UserAdminQueries"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let registry = self.0.registry;
        Ok(match info.field_name() {
            "list" => plain(Value::Array(registry.users()), info),
            "get" => plain(registry.user(&text(info, "name")).unwrap_or_default(), info),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for Mutations<'_> {
    fn type_name(&self) -> &str {
        "AdminMutations"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let view = self.0;
        Ok(match info.field_name() {
            "user" => ResolvedValue::object(UserMutations(view)),
            "setSsoConfig" => plain(arm(set_sso(view, optional(info, "config"))), info),
            "bucketSetTabulatorTable" | "bucketRenameTabulatorTable" => tables(view, info),
            "setTabulatorOpenQuery" => {
                let enabled = flag(info, "enabled");
                view.registry.write().open_query = enabled;
                let result = json!({
                    "__typename": "TabulatorOpenQueryResult", "tabulatorOpenQuery": enabled,
                });
                plain(result, info)
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for UserMutations<'_> {
    fn type_name(&self) -> &str {
        "UserAdminMutations"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let view = self.0;
        Ok(match info.field_name() {
            "create" => plain(arm(view.registry.create_user(new_person(info))), info),
            "mutate" => {
                let name = text(info, "name");
                let known = view.registry.user(&name).is_some();
                ResolvedValue::nullable_object(known.then_some(Mutate(view, name)))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for Mutate<'_> {
    fn type_name(&self) -> &str {
        "MutateUserAdminMutations"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let (registry, name) = (self.0.registry, &self.1);
        let result = match info.field_name() {
            "delete" => Ok(registry.delete_user(name)),
            "resetPassword" => Ok(registry.reset_password(name)),
            "setEmail" => registry.set_email(name, text(info, "email")),
            "setAdmin" => registry.change(name, |person| person.is_admin = flag(info, "admin")),
            "setActive" => registry.change(name, |person| person.is_active = flag(info, "active")),
            "setRole" => {
                let (role, extra) = (text(info, "role"), texts(info, "extraRoles"));
                let append = flag(info, "append");
                registry.change_roles(name, Roles::Set { role, extra, append })
            }
            "addRoles" => registry.change_roles(name, Roles::Add(texts(info, "roles"))),
            "removeRoles" => {
                let (roles, fallback) = (texts(info, "roles"), optional(info, "fallback"));
                registry.change_roles(name, Roles::Remove { roles, fallback })
            }
            _ => return Err(self.unknown_field_error(info)),
        };
        Ok(plain(arm(result), info))
    }
}

/// The two mutations of tables, here and, in today's generation, at the top.
pub(super) fn tables<'a>(view: View<'_>, info: &ResolveInfo<'_>) -> ResolvedValue<'a> {
    let (bucket, table) = (text(info, "bucketName"), text(info, "tableName"));
    let result = match info.field_name() {
        "bucketSetTabulatorTable" => {
            tabulator::set(view, &bucket, &table, optional(info, "config").as_deref())
        }
        _ => tabulator::rename(view, &bucket, &table, &text(info, "newTableName")),
    };
    plain(arm(result), info)
}

fn new_person(info: &ResolveInfo<'_>) -> NewPerson {
    let given = info.arguments().get("input");
    let member = |name: &str| {
        let value = given.and_then(|given| given.as_object()?.get(name)?.as_str());
        value.unwrap_or_default().to_owned()
    };
    let extra = given.and_then(|given| given.as_object()?.get("extraRoles")?.as_array());
    let extra = extra.into_iter().flatten().filter_map(|role| role.as_str()).map(str::to_owned);
    NewPerson {
        name: member("name"),
        email: member("email"),
        role: member("role"),
        extra: extra.collect(),
    }
}

/// Null removes it, and is the answer then.
fn set_sso(view: View<'_>, config: Option<String>) -> Result<Value, Refusal> {
    let Some(text) = config else {
        view.registry.write().sso = None;
        return Ok(Value::Null);
    };
    let parsed = serde_saphyr::from_str::<Value>(&text);
    let parsed = parsed.map_err(|why| input("config", why))?;
    if !parsed.is_object() {
        return Err(input("config", "has to be a mapping"));
    }
    let uploader = view.registry.user(&view.account.name).unwrap_or_default();
    let new = Sso { text, timestamp: clock::iso8601(clock::now()), uploader };
    let told = sso(&new);
    view.registry.write().sso = Some(new);
    Ok(told)
}

fn sso(sso: &Sso) -> Value {
    json!({
        "__typename": "SsoConfig",
        "text": sso.text,
        "timestamp": sso.timestamp,
        "uploader": sso.uploader,
    })
}
