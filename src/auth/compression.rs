//! Bucket lists: plain, and as the front end packs them into claim `b`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::principal::ClaimForm;
use super::{Refusal, fields, refusal::shown, strict_json};
use crate::domain::{BucketName, Buckets};

const MAX_BUCKETS: usize = 1024;
const MAX_EXPANDED_BYTES: usize = 64 * 1024;

/// One bucket name, not yet put together: limits are checked on these (threat T14).
struct Piece<'a> {
    /// What goes before the name, with a hyphen between.
    prefix: Option<&'a str>,
    rest: Cow<'a, str>,
}

impl<'a> Piece<'a> {
    fn plain(name: &'a str) -> Self {
        Self { prefix: None, rest: name.into() }
    }

    fn len(&self) -> usize {
        self.prefix.map_or(0, |p| p.len() + 1) + self.rest.len()
    }

    fn join(&self) -> String {
        match self.prefix {
            Some(prefix) => format!("{prefix}-{}", self.rest),
            None => self.rest.clone().into_owned(),
        }
    }
}

/// Reads the explicit claim: names, or (in older tokens) objects with a `name`.
pub(super) fn explicit(field: &str, value: &Value, wildcard: bool) -> Result<Buckets, Refusal> {
    let wrong = || Refusal::claim(field, "it must be an array of bucket names");
    let items = value.as_array().ok_or_else(wrong)?;
    check_count(field, items.len())?;
    let pieces: Option<Vec<_>> = items.iter().map(item_name).collect();
    unfold(field, &pieces.ok_or_else(wrong)?, wildcard)
}

fn item_name(item: &Value) -> Option<Piece<'_>> {
    match item {
        Value::String(name) => Some(Piece::plain(name)),
        Value::Object(bucket) => bucket.get("name").and_then(Value::as_str).map(Piece::plain),
        _ => None,
    }
}

/// Reads the abbreviated claim: an array of names, or `{"_type": …, "_data": …}`.
pub(super) fn packed(
    field: &str,
    value: &Value,
    wildcard: bool,
) -> Result<(Buckets, ClaimForm), Refusal> {
    let (form, pieces) = match value {
        Value::Array(_) => (ClaimForm::Abbreviated, plain(field, value)?),
        Value::Object(packed) => {
            let data = packed.get("_data").unwrap_or(&Value::Null);
            match packed.get("_type").and_then(Value::as_str) {
                Some("groups") => (ClaimForm::Groups, groups(field, data, group_piece)?),
                Some("patterns") => (ClaimForm::Patterns, groups(field, data, pattern_piece)?),
                Some("compressed") => (ClaimForm::Compressed, compressed(field, data)?),
                _ => {
                    let why = "its _type must be groups, patterns or compressed";
                    return Err(Refusal::claim(field, why));
                }
            }
        }
        _ => return Err(Refusal::claim(field, "it must be an array or a packed object")),
    };
    Ok((unfold(field, &pieces, wildcard)?, form))
}

fn plain<'a>(field: &str, value: &'a Value) -> Result<Vec<Piece<'a>>, Refusal> {
    Ok(fields::strings(field, value, MAX_BUCKETS)?.into_iter().map(Piece::plain).collect())
}

/// `_data` as an object of arrays, each item read together with its key.
fn groups<'a>(
    field: &str,
    data: &'a Value,
    piece: fn(&'a str, &'a str) -> Piece<'a>,
) -> Result<Vec<Piece<'a>>, Refusal> {
    let wrong = || Refusal::claim(field, "its _data must be an object of arrays of strings");
    let mut pieces = Vec::new();
    for (key, list) in data.as_object().ok_or_else(wrong)? {
        let list = fields::strings(field, list, MAX_BUCKETS)?;
        check_count(field, pieces.len() + list.len())?;
        pieces.extend(list.into_iter().map(|item| piece(key, item)));
    }
    Ok(pieces)
}

/// The encoder cuts a name at its first hyphen and leaves a name without one whole, under itself.
/// So `{"plain": ["plain"]}` may have been `plain` or `plain-plain`: we read the former only,
/// because granting both would be a guess in the caller's favour.
fn group_piece<'a>(prefix: &'a str, suffix: &'a str) -> Piece<'a> {
    let prefix = (prefix != suffix).then_some(prefix);
    Piece { prefix, rest: suffix.into() }
}

/// Only `quilt` was stripped by the encoder; every other key is a label over whole names. Nothing
/// here is a pattern in the sense of a glob or a regular expression.
fn pattern_piece<'a>(key: &'a str, item: &'a str) -> Piece<'a> {
    Piece { prefix: (key == "quilt").then_some("quilt"), rest: item.into() }
}

/// Base64 (RFC 4648 section 4, padded, canonical) of a JSON array of strings. The text is bounded
/// by the token's own length, and what it holds is smaller than the text.
fn compressed<'a>(field: &str, data: &Value) -> Result<Vec<Piece<'a>>, Refusal> {
    let wrong =
        || Refusal::claim(field, "its _data must be padded base64 of a JSON array of strings");
    let bytes = STANDARD.decode(data.as_str().ok_or_else(wrong)?).map_err(|_| wrong())?;
    let list = strict_json::value(&bytes).map_err(|_| wrong())?;
    let names = fields::strings(field, &list, MAX_BUCKETS)?;
    let owned = |name: &str| Piece { prefix: None, rest: name.to_owned().into() };
    Ok(names.into_iter().map(owned).collect())
}

fn check_count(field: &str, count: usize) -> Result<(), Refusal> {
    if count > MAX_BUCKETS {
        return Err(Refusal::claim(field, format!("it has more than {MAX_BUCKETS} buckets")));
    }
    Ok(())
}

/// Puts the names together, after looking at how much that would be.
fn unfold(field: &str, pieces: &[Piece<'_>], wildcard: bool) -> Result<Buckets, Refusal> {
    if pieces.iter().map(Piece::len).sum::<usize>() > MAX_EXPANDED_BYTES {
        return Err(Refusal::claim(field, "its bucket names have more than 64 KiB in all"));
    }
    let names: Vec<String> = pieces.iter().map(Piece::join).collect();
    if names == ["*"] {
        return if wildcard { Ok(Buckets::All) } else { Err(no_wildcard(field)) };
    }
    let parse = |name: &String| {
        BucketName::parse(name)
            .map_err(|e| Refusal::claim(field, format!("{} is {e}", shown(name))))
    };
    names.iter().map(parse).collect::<Result<BTreeSet<_>, _>>().map(Buckets::Listed)
}

fn no_wildcard(field: &str) -> Refusal {
    let why = "the wildcard * is not accepted here; the operator may set \
               QUILT_MCP_WILDCARD_BUCKETS, or the token must list its buckets";
    Refusal::claim(field, why)
}
