//! Where the next page begins: in which revision, behind which key.

use serde::{Deserialize, Serialize};

use crate::{
    domain::package::TopHash,
    tools::{paging, prelude::*},
};

/// A place in one or two revisions. It grants nothing: whoever uses it is authorised anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The revisions that the first page was about: `latest` may be another one by now.
    #[serde(rename = "h")]
    pub hashes: Vec<TopHash>,
    /// The last key of the page before.
    #[serde(rename = "k")]
    pub after: String,
}

/// Bytes of a cursor as text: a key has 1,024, of which JSON may make six times as many.
pub const MAX: usize = 12_288;

impl Cursor {
    /// As text.
    pub fn encode(&self) -> String {
        paging::encode(self)
    }

    /// Reads the argument `next` of a call about `hashes` revisions.
    ///
    /// # Errors
    /// It is not one that this tool returned.
    pub fn decode(text: Option<&str>, hashes: usize) -> Result<Option<Self>> {
        let cursor: Option<Self> = paging::decode(text, MAX)?;
        match cursor {
            Some(cursor) if cursor.hashes.len() != hashes => Err(paging::not_ours()),
            cursor => Ok(cursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_of_this_tool_is_refused() {
        let hash = TopHash::parse(&"0a".repeat(32)).unwrap();
        let cursor = Cursor { hashes: vec![hash], after: "a/ü\0".to_owned() };
        let text = cursor.encode();
        assert_eq!(Cursor::decode(Some(&text), 1).unwrap(), Some(cursor.clone()));
        let long = Cursor { after: "\u{1}".repeat(1024), ..cursor.clone() };
        assert_eq!(Cursor::decode(Some(&long.encode()), 1).unwrap(), Some(long));
        assert_eq!(Cursor::decode(None, 1).unwrap(), None);
        assert_eq!(Cursor::decode(Some(""), 1).unwrap(), None);
        for bad in [text.as_str(), "%", "e30", &"A".repeat(MAX + 1)] {
            assert!(Cursor::decode(Some(bad), 2).is_err(), "{bad}");
        }
    }
}
