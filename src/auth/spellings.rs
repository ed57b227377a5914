//! Whether a secret that somebody else has is ours, told by its fingerprint alone.

use super::TokenDigest;

/// The first digits of the SHA-256 of a secret, in hexadecimal.
///
/// Whoever holds a token can try a candidate against its signature without us, so a comparison tells him
/// nothing that he could not find out. Fewer digits would fit secrets that nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The key of this id is the same secret, byte for byte.
    Equal(String),
    /// It would be, without the white space around one of the two.
    EqualOnceTrimmed(String),
    /// No key is.
    Different,
    /// There is no key.
    NoKeys,
}

const FEWEST: usize = 16;
const MOST: usize = 64;

impl Fingerprint {
    /// Sixteen to 64 hexadecimal digits, in either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (FEWEST..=MOST).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(text.to_lowercase()))
    }

    fn is_of(&self, digest: TokenDigest) -> bool {
        digest.hex().starts_with(&self.0)
    }
}

/// The digests of one secret: as it is, and as it would be with other white space around it. They stay in
/// the keyring.
pub(super) struct Spellings {
    exact: TokenDigest,
    others: Vec<TokenDigest>,
}

/// What editors, shells, `echo` and consoles leave around a secret.
const AROUND: [(&str, &str); 8] = [
    ("", ""),
    ("", "\n"),
    ("", "\r\n"),
    ("", " "),
    ("", "\n\n"),
    (" ", ""),
    ("\n", ""),
    (" ", " "),
];

impl Spellings {
    pub(super) fn of(secret: &str) -> Self {
        let exact = TokenDigest::of(secret);
        let bare = secret.trim();
        // White space alone would be equal to every other.
        let around = AROUND.iter().filter(|_| !bare.is_empty());
        let others =
            around.map(|(before, after)| TokenDigest::of(&format!("{before}{bare}{after}")));
        Self { exact, others: others.filter(|other| *other != exact).collect() }
    }

    /// The digest of the secret as it is.
    pub(super) fn exact(&self) -> TokenDigest {
        self.exact
    }
}

/// Compares with keys, by id: an equal one first.
pub(super) fn compare<'a>(
    keys: impl Iterator<Item = (&'a String, &'a Spellings)> + Clone,
    other: &Fingerprint,
) -> Comparison {
    if keys.clone().next().is_none() {
        return Comparison::NoKeys;
    }
    if let Some((kid, _)) = keys.clone().find(|(_, key)| other.is_of(key.exact)) {
        return Comparison::Equal(kid.clone());
    }
    let mut keys = keys;
    let trimmed = keys.find(|(_, key)| key.others.iter().any(|digest| other.is_of(*digest)));
    trimmed.map_or(Comparison::Different, |(kid, _)| Comparison::EqualOnceTrimmed(kid.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ours: &str, theirs: &str) -> Comparison {
        let keys = [("k".to_owned(), Spellings::of(ours))];
        let fingerprint = Fingerprint::parse(&TokenDigest::of(theirs).hex()[..16]).unwrap();
        compare(keys.iter().map(|(kid, key)| (kid, key)), &fingerprint)
    }

    #[test]
    fn equal_equal_once_trimmed_and_different() {
        let trimmed = Comparison::EqualOnceTrimmed("k".to_owned());
        assert_eq!(told("secret", "secret"), Comparison::Equal("k".to_owned()));
        assert_eq!(told("secret\n", "secret\n"), Comparison::Equal("k".to_owned()));
        for (ours, theirs) in [
            ("secret\n", "secret"),
            ("secret", "secret\n"),
            ("secret", "secret\r\n"),
            (" secret", "secret \n".trim_end_matches('\n')),
            ("\tsecret \r\n", "secret"),
            ("secret\n", " secret "),
        ] {
            assert_eq!(told(ours, theirs), trimmed, "{ours:?} {theirs:?}");
        }
        for (ours, theirs) in [("secret", "Secret"), ("secret", "se cret"), ("  ", " "), ("x", "")]
        {
            assert_eq!(told(ours, theirs), Comparison::Different, "{ours:?} {theirs:?}");
        }
        let fingerprint = Fingerprint::parse(&TokenDigest::of("x").hex()).unwrap();
        assert_eq!(compare([].into_iter(), &fingerprint), Comparison::NoKeys);
    }

    #[test]
    fn only_enough_digits_are_a_fingerprint() {
        let hex = TokenDigest::of("secret").hex();
        for good in [&hex[..16], &hex[..], &hex.to_uppercase(), &format!(" {hex}\n")] {
            assert!(Fingerprint::parse(good).is_some(), "{good}");
        }
        for bad in ["", &hex[..15], &format!("{hex}0"), "zzzzzzzzzzzzzzzz", "ééééééééé"] {
            assert!(Fingerprint::parse(bad).is_none(), "{bad}");
        }
    }
}
