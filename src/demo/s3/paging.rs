//! Parts, page by page.

use s3s::{S3ErrorCode, S3Result};

use crate::demo::store::UploadedPart;

/// S3's own limit of a page.
const LARGEST: i32 = 1000;

/// One page of an object's or an upload's parts.
pub(super) struct PartsPage<'a> {
    pub parts: &'a [UploadedPart],
    /// What the page could have held.
    pub max: i32,
    /// The marker of the page after, if there is one.
    pub next: Option<i32>,
}

/// The parts after the number `marker`.
///
/// # Errors
/// `InvalidArgument` for numbers below 0.
pub(super) fn page(
    parts: &[UploadedPart],
    marker: Option<i32>,
    max: Option<i32>,
) -> S3Result<PartsPage<'_>> {
    let (marker, max) = (marker.unwrap_or(0), max.unwrap_or(LARGEST).min(LARGEST));
    let Ok(room) = usize::try_from(max) else { return Err(S3ErrorCode::InvalidArgument.into()) };
    if marker < 0 {
        return Err(S3ErrorCode::InvalidArgument.into());
    }
    let from = parts.partition_point(|part| part.number <= marker);
    let rest = parts.get(from..).unwrap_or_default();
    let shown = rest.get(..room).unwrap_or(rest);
    let more = shown.len() < rest.len();
    let next = shown.last().filter(|_| more).map(|part| part.number);
    Ok(PartsPage { parts: shown, max, next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::dto::Checksum;

    #[test]
    fn pages_go_on_after_their_marker() {
        let parts: Vec<UploadedPart> =
            [1, 2, 5, 9].map(|n| UploadedPart::new(n, "x".into(), Checksum::default())).into();
        let seen = |marker, max| {
            let page = page(&parts, marker, max).expect("a page");
            (page.parts.iter().map(|p| p.number).collect::<Vec<_>>(), page.next)
        };
        assert_eq!(seen(None, None), (vec![1, 2, 5, 9], None));
        assert_eq!(seen(None, Some(3)), (vec![1, 2, 5], Some(5)));
        assert_eq!(seen(Some(5), Some(3)), (vec![9], None));
        assert_eq!(seen(Some(3), Some(1)), (vec![5], Some(5)));
        assert_eq!(seen(Some(9), Some(1)), (vec![], None));
        assert!(page(&parts, Some(-1), None).is_err() && page(&parts, None, Some(-1)).is_err());
    }
}
