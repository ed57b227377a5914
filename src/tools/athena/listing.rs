//! Lists that Athena pages by fifty.

use crate::{
    aws::athena::Listed,
    tools::{bounds, paging, prelude::*},
};

/// Entries of one of Athena's pages: the most that it gives.
pub const PAGE: i32 = 50;
/// Pages of one answer.
const PAGES: usize = 4;
/// Bytes of a cursor.
const MAX_CURSOR: usize = 8_192;

/// Entries from a cursor on, as many whole pages as an answer takes; and where the rest begins.
///
/// # Errors
/// What Athena answered; a page that is too large by itself.
pub async fn gather<T, F>(
    next: Option<&str>,
    page: impl Fn(Option<String>) -> F,
) -> Result<(Vec<T>, Option<String>)>
where
    T: Serialize,
    F: Future<Output = Result<Listed<T>>>,
{
    let mut from: Option<String> = paging::decode(next, MAX_CURSOR)?;
    let (mut all, mut cost) = (Vec::new(), 0);
    for _ in 0..PAGES {
        let listed = Box::pin(page(from.clone())).await?;
        let more = bounds::cost_of(&listed.items);
        if cost + more > bounds::ROOM {
            if all.is_empty() {
                return Err(ToolError::new(
                    Code::ResultTooLarge,
                    "The list was not read",
                    "One page of it has more bytes than an answer.",
                    "Name what you are looking for, such as one table.",
                ));
            }
            break;
        }
        cost += more;
        all.extend(listed.items);
        from = listed.next;
        if from.is_none() {
            break;
        }
    }
    Ok((all, from.as_ref().map(paging::encode)))
}
