//! Listing buckets, keys and versions.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    Bucket, CommonPrefix, DeleteMarkerEntry, ETag, EncodingType, ListBucketsOutput,
    ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object as ListedObject, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
    Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result};

use super::objects::size;
use super::operations::Operations;
use crate::demo::store::{Entry, ListQuery, VersionQuery};

type Answer<T> = S3Result<S3Response<T>>;

/// What `encoding-type=url` leaves as it is; a space becomes `+`, as in forms.
const LEFT_ALONE: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// Writes names the way the client asked for.
#[derive(Clone, Copy)]
struct Encoding(bool);

impl Operations {
    /// Every bucket there is, as S3 does: it does not sort out those that the caller may not enter.
    pub(super) fn list_buckets(&self) -> ListBucketsOutput {
        let bucket = |(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(Timestamp::from(created)),
            ..Bucket::default()
        };
        let buckets = self.store.buckets().into_iter().map(bucket).collect();
        ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() }
    }

    pub(super) fn list_objects_v2(&self, input: ListObjectsV2Input) -> Answer<ListObjectsV2Output> {
        let encoding = Encoding::asked(input.encoding_type.as_ref());
        let max = page_size(input.max_keys)?;
        let prefix = input.prefix.unwrap_or_default();
        let query = ListQuery {
            prefix: prefix.clone(),
            delimiter: input.delimiter.clone(),
            start_after: input.start_after.clone(),
            token: input.continuation_token.clone(),
            max,
        };
        let listing = self.store.list(&input.bucket, &query)?;
        let count = listing.entries.len();
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in listing.entries {
            match entry {
                Entry::Prefix(prefix) => {
                    prefixes.push(CommonPrefix { prefix: Some(encoding.write(&prefix)) });
                }
                Entry::Object { key, version } => contents.push(ListedObject {
                    key: Some(encoding.write(&key)),
                    last_modified: Some(Timestamp::from(version.modified)),
                    size: version.object.as_ref().map(|object| size(object.body.len())),
                    e_tag: version.object.as_ref().map(|o| ETag::Strong(o.etag.clone())),
                    storage_class: Some(ObjectStorageClass::from_static("STANDARD")),
                    ..ListedObject::default()
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            delimiter: input.delimiter.map(|delimiter| encoding.write(&delimiter)),
            start_after: input.start_after.map(|key| encoding.write(&key)),
            max_keys: i32::try_from(max).ok(),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(listing.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: listing.next,
            contents: (!contents.is_empty()).then_some(contents),
            common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
            encoding_type: input.encoding_type,
            ..ListObjectsV2Output::default()
        }))
    }

    pub(super) fn list_object_versions(
        &self,
        input: ListObjectVersionsInput,
    ) -> Answer<ListObjectVersionsOutput> {
        let encoding = Encoding::asked(input.encoding_type.as_ref());
        let max = page_size(input.max_keys)?;
        let query = VersionQuery {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone(),
            key_marker: input.key_marker.clone(),
            version_marker: input.version_id_marker.clone(),
            max,
        };
        let page = self.store.list_versions(&input.bucket, &query)?;
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        for (key, version, latest) in page.versions {
            let (key, modified) = (encoding.write(&key), Timestamp::from(version.modified));
            match version.object {
                Some(object) => versions.push(ObjectVersion {
                    key: Some(key),
                    version_id: Some(version.id),
                    is_latest: Some(latest),
                    last_modified: Some(modified),
                    size: Some(size(object.body.len())),
                    e_tag: Some(ETag::Strong(object.etag.clone())),
                    storage_class: Some(ObjectVersionStorageClass::from_static("STANDARD")),
                    ..ObjectVersion::default()
                }),
                None => markers.push(DeleteMarkerEntry {
                    key: Some(key),
                    version_id: Some(version.id),
                    is_latest: Some(latest),
                    last_modified: Some(modified),
                    ..DeleteMarkerEntry::default()
                }),
            }
        }
        let prefixes: Vec<_> = page
            .prefixes
            .iter()
            .map(|prefix| CommonPrefix { prefix: Some(encoding.write(prefix)) })
            .collect();
        let truncated = page.next.is_some();
        let (next_key, next_version) = page.next.map_or((None, None), |(k, v)| (Some(k), v));
        Ok(S3Response::new(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: input.prefix.map(|prefix| encoding.write(&prefix)),
            delimiter: input.delimiter.map(|delimiter| encoding.write(&delimiter)),
            key_marker: input.key_marker.map(|key| encoding.write(&key)),
            version_id_marker: input.version_id_marker,
            max_keys: i32::try_from(max).ok(),
            is_truncated: Some(truncated),
            next_key_marker: next_key.map(|key| encoding.write(&key)),
            next_version_id_marker: next_version,
            versions: (!versions.is_empty()).then_some(versions),
            delete_markers: (!markers.is_empty()).then_some(markers),
            common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
            encoding_type: input.encoding_type,
            ..ListObjectVersionsOutput::default()
        }))
    }
}

impl Encoding {
    fn asked(kind: Option<&EncodingType>) -> Self {
        Self(kind.is_some_and(|kind| kind.as_str() == EncodingType::URL))
    }

    fn write(self, name: &str) -> String {
        if self.0 {
            utf8_percent_encode(name, &LEFT_ALONE).to_string().replace(' ', "+")
        } else {
            name.to_owned()
        }
    }
}

/// S3 puts 1000 on a page, asked for more or for nothing.
fn page_size(max_keys: Option<i32>) -> S3Result<usize> {
    let invalid = |_| {
        let message = "Argument maxKeys must be an integer between 0 and 2147483647";
        S3Error::with_message(S3ErrorCode::InvalidArgument, message)
    };
    Ok(usize::try_from(max_keys.unwrap_or(1000)).map_err(invalid)?.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_like_form_values() {
        let name = "a b+c/é(1).txt";
        assert_eq!(Encoding(true).write(name), "a+b%2Bc/%C3%A9%281%29.txt");
        assert_eq!(Encoding(false).write(name), name);
    }
}
