//! Whom the registry knows: tokens, API keys, and everybody's current role.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

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
    /// Names of all roles they may switch to.
    pub role_names: Vec<String>,
}

/// The registry's memory, with knobs for tests.
pub struct Registry {
    /// The registry's own secret; the MCP server is never told it.
    secret: String,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    roles: BTreeMap<String, QuiltRole>,
    /// By subject.
    people: BTreeMap<String, Person>,
    /// API key to subject.
    api_keys: HashMap<String, String>,
    /// Fingerprints, so that no token is kept.
    revoked: HashSet<String>,
}

struct Person {
    name: String,
    uuid: String,
    role: String,
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
        let person =
            Person { name: user.name.clone(), uuid: uuid.to_owned(), role: user.role_name.clone() };
        state.people.insert(user.subject.clone(), person);
        state.api_keys.insert(user.api_key.clone(), user.subject.clone());
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

    /// Gives a user another role, as an administrator or `switchRole` would. Returns whether both
    /// are known.
    pub fn switch_role(&self, user_name: &str, role_name: &str) -> bool {
        let mut state = self.write();
        if !state.roles.contains_key(role_name) {
            return false;
        }
        let Some(person) = state.people.values_mut().find(|p| p.name == user_name) else {
            return false;
        };
        role_name.clone_into(&mut person.role);
        true
    }

    /// Who that bearer is: `None` for a wrong signature, an expired or revoked token, or somebody
    /// unknown.
    #[must_use]
    pub fn authenticate(&self, bearer: &str) -> Option<Account> {
        let state = self.read();
        if state.revoked.contains(&digest::fingerprint(bearer)) {
            return None;
        }
        let person = match state.api_keys.get(bearer) {
            Some(subject) => state.people.get(subject)?,
            None => {
                let claims = self.claims(bearer)?;
                state.people.get(&claims.id).filter(|person| person.uuid == claims.uuid)?
            }
        };
        Some(Account {
            name: person.name.clone(),
            email: format!("{}@demo.invalid", person.name),
            role: state.roles.get(&person.role)?.clone(),
            role_names: state.roles.keys().cloned().collect(),
        })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        let key = DecodingKey::from_secret(self.secret.as_bytes());
        decode::<Claims>(token, &key, &validation).ok().map(|data| data.claims)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("people", &self.read().people.len())
            .finish_non_exhaustive()
    }
}
