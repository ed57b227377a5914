//! The one search behind all tools.

use super::{
    answer::{Answer, Section, Shown},
    area::Area,
    arguments::{Narrowing, wrong},
    backend::{Backend, Found, Question},
    graphql::GraphQl,
    index::Index,
    listing::Listing,
    place::{MAX, Place, Spot, digest_of},
};
use crate::{
    catalog::search::{ObjectHit, PackageHit},
    domain::search::{Filters, Parsed},
    tools::{bounds, paging, prelude::*},
};

/// Hits of one kind on one page.
pub const MOST: usize = 100;

/// What to search for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Objects,
    Packages,
    #[default]
    Both,
}

/// A search as a tool is asked for it.
#[derive(Debug, Serialize)]
pub struct Search<'a> {
    pub scope: Scope,
    pub query: &'a str,
    #[serde(skip)]
    pub bucket: Option<&'a BucketRef>,
    pub filters: &'a Narrowing,
    pub limit: i64,
    #[serde(skip)]
    pub next: Option<&'a str>,
}

impl Scope {
    pub fn has_objects(self) -> bool {
        self != Scope::Packages
    }

    pub fn has_packages(self) -> bool {
        self != Scope::Objects
    }
}

/// What is asked, with the hints of the query as filters.
///
/// # Errors
/// `invalid_arguments`
pub fn parse(query: &str, given: &Narrowing, now: jiff::Timestamp) -> Result<Parsed> {
    let parsed = Parsed::of(query, now)
        .map_err(|error| ToolError::invalid_arguments(error.to_string()))?
        .with(given.read()?);
    parsed.filters.check().map_err(|error| wrong(&error))?;
    Ok(parsed)
}

/// Why objects cannot be searched with these filters, whoever is asked.
pub fn no_objects(filters: &Filters) -> Option<&'static str> {
    (!filters.metadata.is_empty())
        .then_some("metadata is a filter for packages: the catalog does not index that of objects")
}

/// The same of packages.
pub fn no_packages(filters: &Filters) -> Option<&'static str> {
    (!filters.extensions.is_empty()).then_some(
        "extensions are a filter for objects; to search packages for the word, put it in quotes",
    )
}

/// One page.
///
/// # Errors
/// `invalid_arguments`, or what all that could be asked answered. Where one kind of hits fails and the
/// other does not, the answer has both.
pub async fn search(cx: &Cx, ask: &Search<'_>) -> Result<Answer> {
    let size = usize::try_from(ask.limit).ok().filter(|n| (1..=MOST).contains(n));
    let size = size
        .ok_or_else(|| ToolError::invalid_arguments(format!("limit must be from 1 to {MOST}")))?;
    let place = Place::read(ask.next)?;
    let now = place.as_ref().map_or(cx.now(), |place| place.now);
    let parsed = parse(ask.query, ask.filters, now)?;
    let area = Area::of(cx, ask.bucket).await?;
    let question = digest_of(&(ask, &area.buckets));
    if let Some(place) = &place {
        place.check(&question)?;
    }
    let is_first = place.is_none();
    let (at_objects, at_packages) =
        place.map_or((None, None), |place| (place.objects, place.packages));
    // What has no place on a further page is at its end.
    let objects = ask.scope.has_objects() && (is_first || at_objects.is_some());
    let packages = ask.scope.has_packages() && (is_first || at_packages.is_some());
    let asked =
        Question { text: &parsed.text, filters: &parsed.filters, buckets: &area.buckets, size };
    let room = if objects && packages { bounds::ROOM / 2 } else { bounds::ROOM };
    let find_objects = kind::<ObjectHit>(&area, &asked, objects, no_objects, at_objects);
    let find_packages = kind::<PackageHit>(&area, &asked, packages, no_packages, at_packages);
    let (objects, packages) = futures_util::join!(find_objects, find_packages);
    first_failure(&objects, &packages)?;
    let (objects, at_objects) = show(objects, &area, room);
    let (packages, at_packages) = show(packages, &area, room);
    let truncated = at_objects.is_some() || at_packages.is_some();
    let next = truncated.then(|| {
        let place = Place { question, now, objects: at_objects, packages: at_packages };
        paging::encode(&place)
    });
    // A cursor that would not be taken back helps nobody; the totals say that there is more.
    let next = next.filter(|next| next.len() <= MAX);
    let read = (parsed.text, parsed.understood);
    Ok(Answer::new(read, area.buckets.len(), (objects, packages), next, truncated))
}

/// A page of one kind and the spot where it began; `None` where it is not asked for.
type Kind<H> = Option<Result<((super::backend::Who, Found<H>), Option<Spot>)>>;

async fn kind<H>(
    area: &Area<'_>,
    question: &Question<'_>,
    is_asked: bool,
    unanswerable: fn(&Filters) -> Option<&'static str>,
    spot: Option<Spot>,
) -> Kind<H>
where
    H: Send,
    for<'x> GraphQl<'x>: Backend<H>,
    for<'x> Index<'x>: Backend<H>,
    for<'x> Listing<'x>: Backend<H>,
{
    if !is_asked {
        return None;
    }
    if let Some(why) = unanswerable(question.filters) {
        return Some(Err(ToolError::invalid_arguments(why)));
    }
    Some(area.find(question, spot.as_ref()).await.map(|found| (found, spot)))
}

/// Fails where nothing was found out, and where the token is at its end.
fn first_failure<A, B>(objects: &Kind<A>, packages: &Kind<B>) -> Result<()> {
    let objects = objects.as_ref().map(|page| page.as_ref().err());
    let packages = packages.as_ref().map(|page| page.as_ref().err());
    let failures: Vec<&ToolError> = [objects, packages].into_iter().flatten().flatten().collect();
    let answered = [objects, packages].into_iter().flatten().any(|failure| failure.is_none());
    let fatal = failures.iter().find(|error| error.code == Code::TokenExpired || !answered);
    match fatal {
        Some(error) => Err((*error).clone()),
        None => Ok(()),
    }
}

fn show<H: Shown>(
    page: Kind<H>,
    area: &Area<'_>,
    room: usize,
) -> (Option<Section<H::View>>, Option<Spot>) {
    match page {
        None => (None, None),
        // What only the other kind can answer is no failure: that was asked, too.
        Some(Err(error)) if error.code == Code::InvalidArguments => {
            (Some(Section::not_searched(&error.why)), None)
        }
        Some(Err(error)) => (Some(Section::failed(&error)), None),
        Some(Ok((found, spot))) => {
            let (section, next) = Section::of(found, spot.as_ref(), &area.buckets, room);
            (Some(section), next)
        }
    }
}
