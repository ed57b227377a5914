//! Where a caller's AWS credentials may come from.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

use super::reader::Reader;
use super::table as var;
use crate::domain::RoleArn;

/// Where a caller's AWS credentials may come from.
#[derive(Clone, Debug)]
pub struct CredentialConfig {
    /// Role names, as tokens carry them, and the roles they stand for.
    pub role_map: BTreeMap<String, RoleArn>,
    /// The roles that may be assumed at all; holds every role of the map.
    pub allowed_role_arns: BTreeSet<RoleArn>,
    /// The external id of `AssumeRole`.
    pub external_id: Option<SecretString>,
    /// How `AssumeRole` tells AWS who the caller is, beside the session name.
    pub sts_identity: StsIdentity,
}

/// How `AssumeRole` tells AWS who the caller is. A trust policy has to permit anything but `Off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsIdentity {
    /// By the session name only.
    Off,
    /// By `SourceIdentity`.
    SourceIdentity,
    /// By session tags.
    Tags,
    /// By both.
    Both,
}

impl StsIdentity {
    /// Every choice.
    pub const ALL: &[StsIdentity] =
        &[StsIdentity::Off, StsIdentity::SourceIdentity, StsIdentity::Tags, StsIdentity::Both];

    /// The name in `QUILT_MCP_STS_IDENTITY`.
    pub const fn name(self) -> &'static str {
        match self {
            StsIdentity::Off => "off",
            StsIdentity::SourceIdentity => "source-identity",
            StsIdentity::Tags => "tags",
            StsIdentity::Both => "both",
        }
    }

    /// Whether `SourceIdentity` is sent.
    pub const fn source_identity(self) -> bool {
        matches!(self, StsIdentity::SourceIdentity | StsIdentity::Both)
    }

    /// Whether session tags are sent.
    pub const fn tags(self) -> bool {
        matches!(self, StsIdentity::Tags | StsIdentity::Both)
    }
}

impl CredentialConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let role_map = role_map(reader);
        let allowed_role_arns = allowed_role_arns(reader, &role_map);
        let identity = reader.choice(var::STS_IDENTITY, StsIdentity::ALL, StsIdentity::name);
        Self {
            role_map,
            allowed_role_arns,
            external_id: external_id(reader),
            sts_identity: identity.unwrap_or(StsIdentity::Off),
        }
    }
}

fn role_map(reader: &mut Reader) -> BTreeMap<String, RoleArn> {
    let mut map = BTreeMap::new();
    let entries = reader.list(var::ROLE_MAP, role_map_entry).unwrap_or_default();
    for (name, arn) in entries {
        if map.insert(name, arn).is_some() {
            reader.problem(var::ROLE_MAP, "has the same NAME twice; keep one entry per name");
        }
    }
    map
}

/// `NAME=ARN`. Both sides may have `=` in them, so the ARN's own beginning tells where it starts.
fn role_map_entry(entry: &str) -> Result<(String, RoleArn), String> {
    let wrong = |why: &str| {
        format!(
            "is not NAME=ARN{why}; e.g. ReadOnlyQuilt=arn:aws:iam::123456789012:role/ReadOnlyQuilt \
             (roles with a comma in the name cannot be listed)"
        )
    };
    let at = entry.find("=arn:").ok_or_else(|| wrong(""))?;
    let (name, arn) = entry.split_at_checked(at).ok_or_else(|| wrong(""))?;
    let arn = RoleArn::parse(arn.trim_start_matches('=').trim());
    let arn = arn.map_err(|error| wrong(&format!(": {error}")))?;
    let name = name.trim();
    if name.is_empty() {
        return Err(wrong(": the name is missing"));
    }
    Ok((name.to_owned(), arn))
}

/// The list, or else the roles of the map: a map without a list is a list.
fn allowed_role_arns(reader: &mut Reader, map: &BTreeMap<String, RoleArn>) -> BTreeSet<RoleArn> {
    if !reader.is_set(var::ALLOWED_ROLE_ARNS) {
        return map.values().cloned().collect();
    }
    let parse = |entry: &str| RoleArn::parse(entry).map_err(|error| format!("is {error}"));
    let Some(listed) = reader.list(var::ALLOWED_ROLE_ARNS, parse) else {
        return BTreeSet::new();
    };
    let listed: BTreeSet<RoleArn> = listed.into_iter().collect();
    for arn in map.values().collect::<BTreeSet<_>>() {
        if !listed.contains(arn) {
            let list = var::ALLOWED_ROLE_ARNS.name();
            let message =
                format!("maps to {arn}, which is not in {list}; add it there, or drop it");
            reader.problem(var::ROLE_MAP, message);
        }
    }
    listed
}

/// The limits of STS: 2 to 1,224 characters of a small alphabet.
fn external_id(reader: &mut Reader) -> Option<SecretString> {
    let id = reader.opaque(var::EXTERNAL_ID)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
    if (2..=1224).contains(&id.len()) && id.bytes().all(allowed) {
        return Some(SecretString::from(id));
    }
    let message = "is not an external id as STS takes it; use 2 to 1224 letters, digits and \
                   _ + = , . @ : / -, and no white space";
    reader.problem(var::EXTERNAL_ID, message);
    None
}
