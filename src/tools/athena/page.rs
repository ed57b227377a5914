//! Rows in the room that there is for them, and where the next ones begin.

use super::answer::{Answer, Format, Gathered};
use crate::{
    aws::{Athena, athena::Execution},
    tools::{bounds::ROOM, paging, prelude::*},
};

/// Where rows begin: at so many rows behind the beginning of one of Athena's pages. It grants nothing: whose
/// query it is, is looked up anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "q")]
    query: String,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(rename = "s")]
    skip: usize,
}

/// Bytes of a place as text: Athena's own may have 1,024.
const MAX_PLACE: usize = 8_192;
/// Rows of one of Athena's pages, without a header.
const PAGE: usize = 999;

/// How much is wanted of a query's rows.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Rows, 1 to [`Wanted::MOST_ROWS`].
    pub rows: usize,
    /// As a cost: see [`crate::tools::bounds`].
    pub room: usize,
    /// How they are written.
    pub format: Format,
}

impl Wanted {
    /// The most rows that are answered at once.
    pub const MOST_ROWS: i64 = 1000;
    /// Where nothing is said.
    pub const ROWS: i64 = 1000;
    /// Bytes of rows that are answered where nothing is said, and at most.
    pub const BYTES: i64 = 100_000;
    const MOST_BYTES: i64 = (ROOM / 2) as i64;
    const LEAST_BYTES: i64 = 1_000;

    /// Reads the arguments.
    ///
    /// # Errors
    /// One of them is out of its range.
    pub fn read(max_results: i64, max_bytes: i64, format: Format) -> Result<Self> {
        let rows = within("max_results", max_results, 1, Self::MOST_ROWS)?;
        let bytes = within("max_bytes", max_bytes, Self::LEAST_BYTES, Self::MOST_BYTES)?;
        Ok(Self { rows, room: 2 * bytes, format })
    }
}

/// An argument within its range.
pub(super) fn within(name: &str, value: i64, least: i64, most: i64) -> Result<usize> {
    let inside = usize::try_from(value).ok().filter(|_| (least..=most).contains(&value));
    inside.ok_or_else(|| {
        ToolError::invalid_arguments(format!("{name} is {value}; {least} to {most} are allowed"))
    })
}

impl Place {
    fn start(query: &str) -> Self {
        Self { query: query.to_owned(), page: None, skip: 0 }
    }

    /// Reads the argument `next` of a call about a query.
    ///
    /// # Errors
    /// It is not one that was returned for this query.
    pub(super) fn decode(next: Option<&str>, query: &str) -> Result<Self> {
        let place: Option<Self> = paging::decode(next, MAX_PLACE)?;
        match place {
            None => Ok(Self::start(query)),
            Some(place) if place.query == query && place.skip < PAGE => Ok(place),
            Some(_) => Err(paging::not_ours()),
        }
    }
}

/// The rows of a query that has succeeded, from its beginning.
///
/// # Errors
/// As [`from`].
pub(super) async fn first(athena: &Athena, query: Execution, wanted: Wanted) -> Result<Answer> {
    let place = Place::start(&query.id);
    from(athena, query, place, wanted).await
}

/// The rows of a query that has succeeded, from a place on.
///
/// # Errors
/// A row that has no room at all; what Athena answered.
pub(super) async fn from(
    athena: &Athena,
    query: Execution,
    mut place: Place,
    wanted: Wanted,
) -> Result<Answer> {
    let mut gathered: Option<Gathered> = None;
    loop {
        let have = gathered.as_ref().map_or(0, Gathered::len);
        let most = (wanted.rows - have + place.skip).min(PAGE);
        let found =
            athena.rows(&query, place.page.as_deref(), i32::try_from(most).unwrap_or(1)).await?;
        let mut rows = match gathered.take() {
            Some(rows) => rows,
            None => Gathered::new(wanted.format, found.columns, wanted.room)
                .ok_or_else(|| too_large("The columns alone have more bytes than max_bytes."))?,
        };
        let count = found.rows.len();
        for (at, row) in found.rows.into_iter().enumerate().skip(place.skip) {
            if rows.len() == wanted.rows || !rows.take(row) {
                if rows.len() == 0 {
                    return Err(too_large("One row has more bytes than max_bytes."));
                }
                let next = Place { skip: at, ..place };
                return Ok(rows.answer(query.id, query.statistics, Some(paging::encode(&next))));
            }
        }
        let Some(page) = found.next else {
            return Ok(rows.answer(query.id, query.statistics, None));
        };
        // Where Athena's answer was too large, this page has fewer rows than are to be skipped.
        place = Place { page: Some(page), skip: place.skip.saturating_sub(count), ..place };
        if rows.len() == wanted.rows {
            let next = paging::encode(&place);
            return Ok(rows.answer(query.id, query.statistics, Some(next)));
        }
        gathered = Some(rows);
    }
}

fn too_large(why: &'static str) -> ToolError {
    ToolError::new(
        Code::ResultTooLarge,
        "The rows were not read",
        why,
        "Raise max_bytes, or select fewer or shorter columns (substr, cardinality).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_belongs_to_its_query() {
        let place = Place { query: "q1".to_owned(), page: Some("token".to_owned()), skip: 7 };
        let text = paging::encode(&place);
        assert_eq!(Place::decode(Some(&text), "q1").unwrap(), place);
        assert!(Place::decode(Some(&text), "q2").is_err());
        assert_eq!(Place::decode(None, "q2").unwrap(), Place::start("q2"));
        let beyond = paging::encode(&Place { skip: PAGE, ..place });
        assert!(Place::decode(Some(&beyond), "q1").is_err());
    }

    #[test]
    fn what_is_wanted_has_bounds() {
        assert!(Wanted::read(1, 1000, Format::Json).is_ok());
        assert!(Wanted::read(1000, 400_000, Format::Csv).is_ok());
        for (rows, bytes) in [(0, 1000), (1001, 1000), (-1, 1000), (1, 999), (1, 400_001)] {
            assert!(Wanted::read(rows, bytes, Format::Json).is_err(), "{rows} {bytes}");
        }
    }
}
