//! The registry's people, as they and administrators change them.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::directory::{Account, Registry, State};
use super::refused::{Refusal, input, operation};
use crate::demo::roles::QuiltRole;
use crate::demo::{clock, digest, random};

/// Somebody who can log in.
pub(super) struct Person {
    pub name: String,
    /// The `uuid` of their tokens.
    pub uuid: String,
    pub email: String,
    /// The role in use.
    pub role: String,
    /// All their roles, that one among them.
    pub roles: BTreeSet<String>,
    pub is_admin: bool,
    pub is_active: bool,
    joined: SystemTime,
}

/// Which roles somebody is to have.
pub(super) enum Roles {
    /// This one in use, and these; beside what they had, if `append`.
    Set { role: String, extra: Vec<String>, append: bool },
    /// These too.
    Add(Vec<String>),
    /// Not these; `fallback` in use, if the one in use goes.
    Remove { roles: Vec<String>, fallback: Option<String> },
}

/// Somebody to be made.
pub(super) struct NewPerson {
    pub name: String,
    pub email: String,
    pub role: String,
    pub extra: Vec<String>,
}

impl Person {
    pub(super) fn new(name: &str, uuid: &str, role: &str) -> Self {
        Self {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
            email: format!("{name}@demo.invalid"),
            role: role.to_owned(),
            roles: BTreeSet::from([role.to_owned()]),
            is_admin: false,
            is_active: true,
            joined: clock::now(),
        }
    }

    /// Puts a role in use, which they get if they have it not.
    pub(super) fn play(&mut self, role: &str) {
        role.clone_into(&mut self.role);
        self.roles.insert(role.to_owned());
    }
}

impl State {
    /// A `User` of GraphQL.
    fn user(&self, person: &Person) -> Value {
        let named = |name: &String| self.roles.get(name).map(role);
        let extra = person.roles.iter().filter(|name| **name != person.role).filter_map(named);
        json!({
            "__typename": "User",
            "name": person.name,
            "email": person.email,
            "dateJoined": clock::iso8601(person.joined),
            // Nobody logs in to the demo: their tokens are there from the start.
            "lastLogin": clock::iso8601(person.joined),
            "isActive": person.is_active,
            "isAdmin": person.is_admin,
            "isSsoOnly": false,
            "isService": false,
            "role": named(&person.role),
            "extraRoles": extra.collect::<Vec<Value>>(),
            "isRoleAssignmentDisabled": false,
            "isAdminAssignmentDisabled": false,
        })
    }

    fn known(&self, path: &str, roles: &[String]) -> Result<(), Refusal> {
        match roles.iter().find(|name| !self.roles.contains_key(*name)) {
            Some(unknown) => Err(input(path, format!("there is no role {unknown:?}"))),
            None => Ok(()),
        }
    }
}

impl Registry {
    /// Everybody, by name.
    pub(super) fn users(&self) -> Vec<Value> {
        let state = self.read();
        let mut people: Vec<&Person> = state.people.values().collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        people.into_iter().map(|person| state.user(person)).collect()
    }

    /// One, if there is such a user.
    pub(super) fn user(&self, name: &str) -> Option<Value> {
        let state = self.read();
        let person = state.people.values().find(|person| person.name == name)?;
        Some(state.user(person))
    }

    /// Every role, by name.
    pub(super) fn roles(&self) -> Vec<Value> {
        self.read().roles.values().map(role).collect()
    }

    /// Puts one of somebody's own roles in use.
    pub(super) fn choose_role(&self, name: &str, role: &str) -> Result<Account, Refusal> {
        let mut state = self.write();
        let gone = || operation("UserNotFound", format!("there is no user {name:?}"));
        let person = state.person(name).ok_or_else(gone)?;
        if !person.roles.contains(role) {
            return Err(input("roleName", format!("{role:?} is none of your roles")));
        }
        person.play(role);
        let person = state.people.values().find(|person| person.name == name);
        person.and_then(|person| state.account(person)).ok_or_else(gone)
    }

    /// Makes somebody, who has no token yet.
    pub(super) fn create_user(&self, new: NewPerson) -> Result<Value, Refusal> {
        let mut state = self.write();
        let NewPerson { name, email, role, extra } = new;
        let of_names = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if name.is_empty() || !name.chars().all(of_names) {
            return Err(input("input.name", "only letters, digits, - and _ are allowed"));
        }
        if state.person(&name).is_some() {
            return Err(input("input.name", format!("there is a user {name:?} already")));
        }
        free(&state, &email, "input.email")?;
        state.known("input.role", std::slice::from_ref(&role))?;
        state.known("input.extraRoles", &extra)?;
        let draw = || random::uuid().map_err(|why| operation("Random", why.to_string()));
        let (subject, uuid) = (format!("{name}-{}", draw()?), draw()?);
        let mut person = Person::new(&name, &uuid, &role);
        person.email = email;
        person.roles.extend(extra);
        let made = state.user(&person);
        state.people.insert(subject, person);
        Ok(made)
    }

    /// Forgets somebody; their tokens say nothing any more.
    pub(super) fn delete_user(&self, name: &str) -> Value {
        self.write().people.retain(|_, person| person.name != name);
        done()
    }

    /// Notes that somebody's password is to be reset.
    pub(super) fn reset_password(&self, name: &str) -> Value {
        self.write().resets.push(name.to_owned());
        done()
    }

    pub(super) fn set_email(&self, name: &str, email: String) -> Result<Value, Refusal> {
        free(&self.read(), &email, "email")?;
        self.change(name, |person| person.email = email)
    }

    /// Changes somebody; their `User` afterwards.
    pub(super) fn change(
        &self,
        name: &str,
        how: impl FnOnce(&mut Person),
    ) -> Result<Value, Refusal> {
        let mut state = self.write();
        if let Some(person) = state.person(name) {
            how(person);
        }
        let found = state.people.values().find(|person| person.name == name);
        let found = found.map(|person| state.user(person));
        found.ok_or_else(|| operation("UserNotFound", format!("there is no user {name:?}")))
    }

    /// Changes somebody's roles.
    pub(super) fn change_roles(&self, name: &str, roles: Roles) -> Result<Value, Refusal> {
        match roles {
            Roles::Set { role, extra, append } => {
                self.read().known("role", std::slice::from_ref(&role))?;
                self.read().known("extraRoles", &extra)?;
                self.change(name, |person| {
                    if !append {
                        person.roles.clear();
                    }
                    person.roles.extend(extra);
                    person.play(&role);
                })
            }
            Roles::Add(roles) => {
                self.read().known("roles", &roles)?;
                self.change(name, |person| person.roles.extend(roles))
            }
            Roles::Remove { roles, fallback } => {
                self.read().known("roles", &roles)?;
                self.read().known("fallback", fallback.as_slice())?;
                let uses = |person: &Person| person.name == name && roles.contains(&person.role);
                if self.read().people.values().any(uses) && fallback.is_none() {
                    let why = "the role in use is removed: say which one shall be in use";
                    return Err(input("fallback", why));
                }
                self.change(name, |person| {
                    person.roles.retain(|role| !roles.contains(role));
                    if let (true, Some(fallback)) = (roles.contains(&person.role), &fallback) {
                        person.play(fallback);
                    }
                })
            }
        }
    }
}

fn free(state: &State, email: &str, path: &str) -> Result<(), Refusal> {
    let whole = email.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty());
    if !whole {
        return Err(input(path, "this is no e-mail address"));
    }
    match state.people.values().any(|person| person.email == email) {
        true => Err(input(path, "somebody has this e-mail address already")),
        false => Ok(()),
    }
}

/// A `Role` of GraphQL. The demo's roles that only read stand for those that Quilt does not manage.
fn role(role: &QuiltRole) -> Value {
    let kind = if role.writes() { "ManagedRole" } else { "UnmanagedRole" };
    let id = digest::fingerprint(&role.arn);
    json!({ "__typename": kind, "id": id, "name": role.name, "arn": role.arn })
}

fn done() -> Value {
    json!({ "__typename": "Ok" })
}
