//! Role ARNs.

use serde::Serialize;

/// The ARN of an IAM role, in any partition (`aws`, `aws-us-gov`, `aws-cn`, …).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleArn(String);

/// The text is not `arn:PARTITION:iam::ACCOUNT:role/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role ARN; the form is arn:PARTITION:iam::12-DIGIT-ACCOUNT:role/NAME")]
pub struct InvalidRoleArn;

impl RoleArn {
    /// Parses an ARN of a role, with its optional path.
    ///
    /// # Errors
    /// [`InvalidRoleArn`] for anything else, also for users, policies and `sts` ARNs.
    pub fn parse(text: &str) -> Result<Self, InvalidRoleArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, service) = (next(), next(), next());
        let (region, account, resource) = (next(), next(), next());
        let name = resource.strip_prefix("role/").unwrap_or_default();
        let name_char = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c);
        let ok = arn == "arn"
            && partition.starts_with("aws")
            && partition.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            && service == "iam"
            && region.is_empty()
            && account.len() == 12
            && account.chars().all(|c| c.is_ascii_digit())
            && !name.is_empty()
            && text.len() <= 2048
            && name.chars().all(name_char);
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidRoleArn) }
    }

    /// The ARN's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition, e.g. `aws-us-gov`: the ARNs of buckets in a policy carry the same.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or("aws")
    }

    /// Whether a text claims to be a role ARN at all, as opposed to a role *name*.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with("arn:")
    }
}

impl std::fmt::Display for RoleArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_paths() {
        for (arn, partition) in [
            ("arn:aws:iam::123456789012:role/ReadOnlyQuilt", "aws"),
            ("arn:aws-us-gov:iam::123456789012:role/a/b/C", "aws-us-gov"),
            ("arn:aws-cn:iam::123456789012:role/x+y=z", "aws-cn"),
        ] {
            assert_eq!(RoleArn::parse(arn).as_ref().map(RoleArn::partition), Ok(partition));
        }
    }

    #[test]
    fn other_arns_are_refused() {
        for arn in [
            "",
            "ReadOnlyQuilt",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::1:role/x",
            "arn:aws:sts::123456789012:assumed-role/x/y",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam:us-east-1:123456789012:role/x",
        ] {
            assert_eq!(RoleArn::parse(arn), Err(InvalidRoleArn), "{arn:?}");
        }
    }
}
