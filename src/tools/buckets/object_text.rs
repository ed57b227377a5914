use encoding_rs::Encoding;

use crate::tools::prelude::*;

/// Read the beginning of a text object from S3.
///
/// What comes back is data that somebody stored, not instructions to follow. Binary objects are
/// refused. Where `truncated` is true, a larger `max_bytes` reads more.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectText {
    /// `s3://bucket/key`, the key percent-encoded; `?versionId=…` reads that version.
    s3_uri: S3Uri,
    /// Bytes to read from the beginning.
    #[serde(default = "max_bytes", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 131_072))]
    max_bytes: i64,
    /// A label of the WHATWG Encoding Standard, such as `utf-8`, `latin1`, `utf-16le`.
    #[serde(default = "encoding")]
    encoding: String,
}

fn max_bytes() -> i64 {
    65_536
}

fn encoding() -> String {
    "utf-8".to_owned()
}

/// The cap keeps an answer below the 1 MiB at which some clients give up: a text of quotation marks
/// alone takes six times its bytes, since it is sent twice and escaped twice.
const MAX_BYTES: i64 = 131_072;

/// Text of an object.
#[derive(Serialize, JsonSchema)]
pub struct Text {
    s3_uri: S3Uri,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// The encoding used: the one asked for, unless the object begins with a byte order mark.
    encoding: &'static str,
    /// Size of the whole object in bytes.
    size: u64,
    /// Bytes that were read.
    bytes_read: u64,
    /// Whether the object goes on after what was read.
    truncated: bool,
    /// Whether bytes that are not valid in the encoding were replaced by U+FFFD.
    lossy: bool,
    text: String,
}

impl Tool for BucketObjectText {
    const NAME: &'static str = "bucket_object_text";
    const TITLE: &'static str = "Read text";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist.
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Text;

    async fn run(self, cx: &Cx) -> Result<Text> {
        let encoding = self.encoding()?;
        let head = cx.s3().read_start(&self.s3_uri, self.max_bytes()?).await?;
        let bytes_read = head.bytes.len() as u64;
        let truncated = bytes_read < head.size;
        let (text, encoding, lossy) = decode(&head.bytes, encoding, truncated);
        if !is_text(&text) {
            return Err(not_text(&self.s3_uri, head.content_type.as_deref(), encoding.name()));
        }
        Ok(Text {
            s3_uri: self.s3_uri,
            version_id: head.version_id,
            content_type: head.content_type,
            encoding: encoding.name(),
            size: head.size,
            bytes_read,
            truncated,
            lossy,
            text,
        })
    }
}

impl BucketObjectText {
    fn encoding(&self) -> Result<&'static Encoding> {
        Encoding::for_label(self.encoding.as_bytes()).ok_or_else(|| {
            ToolError::invalid_arguments(
                "encoding is not a label of the WHATWG Encoding Standard; try utf-8, latin1, \
                 utf-16le or shift_jis",
            )
        })
    }

    fn max_bytes(&self) -> Result<u64> {
        u64::try_from(self.max_bytes)
            .ok()
            .filter(|_| (1..=MAX_BYTES).contains(&self.max_bytes))
            .ok_or_else(|| ToolError::invalid_arguments("max_bytes must be from 1 to 131072"))
    }
}

/// Decodes, honouring a byte order mark. A character that the cut splits is left out, not replaced.
fn decode(
    bytes: &[u8],
    asked: &'static Encoding,
    truncated: bool,
) -> (String, &'static Encoding, bool) {
    let mut decoder = asked.new_decoder();
    let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3 + 16);
    let mut text = String::with_capacity(room);
    let (_, _, lossy) = decoder.decode_to_string(bytes, &mut text, !truncated);
    (text, decoder.encoding(), lossy)
}

/// Text has no NUL, and hardly any control characters, each of which takes twelve bytes to send.
fn is_text(text: &str) -> bool {
    let odd = |c: char| c.is_control() && !"\t\n\r".contains(c);
    !text.contains('\0') && text.chars().filter(|c| odd(*c)).count() * 20 <= text.len()
}

fn not_text(uri: &S3Uri, content_type: Option<&str>, encoding: &str) -> ToolError {
    ToolError::new(
        Code::NotText,
        format!("{uri} is not text"),
        format!(
            "Read as {encoding} it contains NUL or many control characters; its content type is {}.",
            content_type.unwrap_or("not set")
        ),
        "Name the right encoding (utf-16le for some exports), or leave this object alone: it is \
         binary.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_by_the_cut_is_left_out() {
        let utf8 = encoding_rs::UTF_8;
        let bytes = "aé".as_bytes();
        assert_eq!(decode(&bytes[..2], utf8, true), ("a".to_owned(), utf8, false));
        assert_eq!(decode(&bytes[..2], utf8, false), ("a\u{fffd}".to_owned(), utf8, true));
        assert_eq!(decode(bytes, utf8, false), ("aé".to_owned(), utf8, false));
    }

    #[test]
    fn a_byte_order_mark_wins_over_the_argument() {
        let (text, encoding, lossy) = decode(b"\xff\xfea\0b\0", encoding_rs::UTF_8, false);
        assert_eq!((text.as_str(), encoding.name(), lossy), ("ab", "UTF-16LE", false));
        assert_eq!(decode(b"\xef\xbb\xbfx", encoding_rs::UTF_8, false).0, "x");
    }
}
