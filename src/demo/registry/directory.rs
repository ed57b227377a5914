//! What the registry remembers: tokens, API keys, people, and what administrators set.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::people::Person;
use super::tabulator::Tables;
use super::twist::Twist;
use crate::demo::roles::{QuiltRole, User};
use crate::demo::{clock, digest, random};

/// Somebody who proved to be known.
#[derive(Clone, Debug)]
pub struct Account {
    /// Log-in name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The role in use.
    pub role: QuiltRole,
    /// Names of all roles they may switch to, the one in use among them.
    pub role_names: Vec<String>,
    /// Whether they may administer the registry.
    pub is_admin: bool,
}

/// The registry's memory, with knobs for tests.
pub struct Registry {
    /// The registry's own secret; the MCP server is never told it.
    secret: String,
    state: RwLock<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) roles: BTreeMap<String, QuiltRole>,
    /// By subject.
    pub(super) people: BTreeMap<String, Person>,
    /// API key to subject.
    api_keys: HashMap<String, String>,
    /// Fingerprints, so that no token is kept.
    revoked: HashSet<String>,
    /// Names of those whose password was reset, in order.
    pub(super) resets: Vec<String>,
    /// Tabulator tables, by bucket.
    pub(super) tables: BTreeMap<String, Tables>,
    /// Whether tabulator tables may be queried by everybody.
    pub(super) open_query: bool,
    /// How single sign-on gives roles.
    pub(super) sso: Option<Sso>,
    /// Whether it is of the older generation.
    old: bool,
    /// What becomes of its GraphQL answers.
    twist: Option<Twist>,
    /// How many of them stay as they are before that.
    untwisted: u32,
    /// The secret of enhanced tokens, once it takes these too.
    enhanced: Option<String>,
}

/// The configuration of single sign-on.
#[derive(Clone)]
pub(super) struct Sso {
    pub text: String,
    pub timestamp: String,
    /// Whoever set it, as they were then.
    pub uploader: serde_json::Value,
}

/// What a catalog token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    id: String,
    uuid: String,
    exp: u64,
}

impl Registry {
    pub(in crate::demo) fn new(roles: Vec<QuiltRole>) -> io::Result<Self> {
        let roles = roles.into_iter().map(|role| (role.name.clone(), role)).collect();
        let state = State { roles, ..State::default() };
        Ok(Self { secret: random::secret(48)?, state: RwLock::new(state) })
    }

    /// Makes somebody known, by their first role and their API key.
    pub(in crate::demo) fn enrol(&self, user: &User, uuid: &str) {
        let mut state = self.write();
        let mut person = Person::new(&user.name, uuid, &user.role_name);
        // Whoever reads only may be played by everybody.
        let common = state.roles.values().filter(|role| !role.writes());
        person.roles.extend(common.map(|role| role.name.clone()));
        state.people.insert(user.subject.clone(), person);
        state.api_keys.insert(user.api_key.clone(), user.subject.clone());
    }

    /// Makes somebody an administrator. Returns whether they are known.
    pub fn make_admin(&self, user_name: &str) -> bool {
        let mut state = self.write();
        let person = state.person(user_name);
        person.map(|person| person.is_admin = true).is_some()
    }

    /// Lets a role read another bucket, in the registry alone. Returns whether the role is known.
    pub fn let_read(&self, role_name: &str, bucket: &str) -> bool {
        let mut state = self.write();
        let role = state.roles.get_mut(role_name);
        let read = crate::demo::roles::Access::Read;
        role.map(|role| role.buckets.insert(bucket.to_owned(), read)).is_some()
    }

    /// Whether the registry speaks the older generation of its GraphQL from now on.
    pub fn speak_old(&self, old: bool) {
        self.write().old = old;
    }

    /// Whether the registry speaks the older generation of its GraphQL.
    #[must_use]
    pub fn speaks_old(&self) -> bool {
        self.read().old
    }

    /// What becomes of its GraphQL answers from now on; `None` for nothing.
    pub fn twist(&self, twist: Option<Twist>) {
        let mut state = self.write();
        (state.untwisted, state.twist) = (0, twist);
    }

    /// The same for those after the next `calls`.
    pub fn twist_after(&self, calls: u32, twist: Twist) {
        let mut state = self.write();
        (state.untwisted, state.twist) = (calls, Some(twist));
    }

    /// What becomes of this GraphQL answer.
    pub(super) fn twisted(&self) -> Option<Twist> {
        let mut state = self.write();
        match state.untwisted.checked_sub(1) {
            Some(left) => {
                state.untwisted = left;
                None
            }
            None => state.twist.clone(),
        }
    }

    /// Gives a bucket a table with any text, as an older registry may have left it.
    pub fn put_table(&self, bucket: &str, table: &str, config: &str) {
        let mut state = self.write();
        let tables = state.tables.entry(bucket.to_owned()).or_default();
        tables.insert(table.to_owned(), config.to_owned());
    }

    /// Takes enhanced tokens, signed with this secret, for their users' from now on.
    pub fn accept_enhanced(&self, secret: &str) {
        self.write().enhanced = Some(secret.to_owned());
    }

    /// Names of those whose password an administrator had reset, in that order.
    #[must_use]
    pub fn password_resets(&self) -> Vec<String> {
        self.read().resets.clone()
    }

    /// A catalog session token of that subject, as the catalog's log-in gives one, for
    /// `lifetime_secs` from now; a negative lifetime makes one that has expired.
    ///
    /// # Errors
    /// When it cannot be signed, which would be a fault of the cryptographic library.
    pub fn issue_token(&self, subject: &str, uuid: &str, lifetime_secs: i64) -> io::Result<String> {
        let exp = clock::now_unix().saturating_add_signed(lifetime_secs);
        let claims = Claims { id: subject.to_owned(), uuid: uuid.to_owned(), exp };
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let token = encode(&Header::new(Algorithm::HS256), &claims, &key);
        token.inspect(|token| crate::demo::witness::tell(token)).map_err(io::Error::other)
    }

    /// Refuses a token or an API key from now on.
    pub fn revoke(&self, bearer: &str) {
        self.write().revoked.insert(digest::fingerprint(bearer));
    }

    /// Takes a revoked token or API key again.
    pub fn restore(&self, bearer: &str) {
        self.write().revoked.remove(&digest::fingerprint(bearer));
    }

    /// Gives a user another role, as an administrator would. Returns whether both are known.
    pub fn switch_role(&self, user_name: &str, role_name: &str) -> bool {
        let mut state = self.write();
        if !state.roles.contains_key(role_name) {
            return false;
        }
        let person = state.person(user_name);
        person.map(|person| person.play(role_name)).is_some()
    }

    /// Who that bearer is: `None` for a wrong signature, an expired or revoked token, or somebody
    /// unknown or inactive.
    #[must_use]
    pub fn authenticate(&self, bearer: &str) -> Option<Account> {
        let state = self.read();
        if state.revoked.contains(&digest::fingerprint(bearer)) {
            return None;
        }
        let person = match state.api_keys.get(bearer) {
            Some(subject) => state.people.get(subject)?,
            None => {
                let enhanced = || claims(bearer, state.enhanced.as_deref()?);
                let claims = claims(bearer, &self.secret).or_else(enhanced)?;
                state.people.get(&claims.id).filter(|person| person.uuid == claims.uuid)?
            }
        };
        state.account(person)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn claims(token: &str, secret: &str) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    decode::<Claims>(token, &key, &validation).ok().map(|data| data.claims)
}

impl State {
    /// Somebody, by name.
    pub(super) fn person(&mut self, name: &str) -> Option<&mut Person> {
        self.people.values_mut().find(|person| person.name == name)
    }

    /// What somebody may do now; `None` for who is not active.
    pub(super) fn account(&self, person: &Person) -> Option<Account> {
        person.is_active.then_some(())?;
        Some(Account {
            name: person.name.clone(),
            email: person.email.clone(),
            role: self.roles.get(&person.role)?.clone(),
            role_names: person.roles.iter().cloned().collect(),
            is_admin: person.is_admin,
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("people", &self.read().people.len())
            .finish_non_exhaustive()
    }
}
