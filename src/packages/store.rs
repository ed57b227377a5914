//! Opening manifests: authorised for every caller anew, kept in memory for all.

use std::{sync::Arc, time::Duration};

use moka::{future::Cache, policy::EvictionPolicy};
use tokio::sync::mpsc;

use super::{
    Index, Judges,
    index::{Builder, NotIndexed},
};
use crate::{
    aws::{
        S3,
        s3::{Body, Limits},
    },
    domain::{
        BucketName, S3Uri,
        package::{MANIFESTS, TopHash},
    },
    error::{Code, ToolError},
    turns::{Turn, Turns, User},
};

/// The manifests of all registries that fit.
pub struct Store {
    kept: Cache<Key, Arc<Index>>,
    loading: Turns,
    computing: Turns,
    gathering: Turns,
    pushing: Turns,
    constructing: Turns,
    judges: Judges,
    most: usize,
}

/// The ETag as well: whoever may write into a registry can put another text under a hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    bucket: BucketName,
    hash: TopHash,
    etag: Option<String>,
}

/// How far a manifest is read: bytes, and of how many.
pub type Told<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Bytes of manifests that are read at once, in pieces of this many; the largest ones one at a time,
/// because a manifest takes more memory while it is sorted than afterwards.
const SHARE: u64 = 4 * 1024 * 1024;
const SHARES: usize = 16;
/// The largest text: four times what a million entries have.
const MAX_TEXT: u64 = 1 << 30;
/// How long one waits for others who read large manifests, or go through them.
const TURN: Duration = Duration::from_secs(60);
/// How long a manifest may take.
const LIMITS: Limits = Limits { stall: Duration::from_secs(15), overall: Duration::from_secs(300) };
/// Pushes whose objects are being listed; then they take room by what they found.
const GATHERING: usize = 16;
/// Pieces of memory for all pushes; one takes less than half of what its user has, however large it is.
const ROOM: usize = 256;
const MOST_OF_ROOM: usize = 48;
/// Revisions that the registry is making.
const CONSTRUCTING: usize = 8;
const PIECE: usize = 256 * 1024;
/// Pieces of the text between the network and the sorting.
const AHEAD: usize = 4;

impl Store {
    /// KiB of indexes that are kept.
    pub fn kept_kib(&self) -> usize {
        usize::try_from(self.kept.weighted_size() / 1024).unwrap_or(usize::MAX)
    }

    /// Keeps indexes of at most `bytes` together, the last used ones.
    pub fn new(bytes: usize) -> Self {
        let weigher =
            |_: &Key, index: &Arc<Index>| u32::try_from(index.weight()).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .weigher(weigher)
            .max_capacity(u64::try_from(bytes).unwrap_or(u64::MAX))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            kept,
            loading: Turns::new(SHARES, SHARES / 4 * 3),
            computing: Turns::new(cores, cores.saturating_sub(1).max(1)),
            gathering: Turns::new(GATHERING, GATHERING / 4),
            pushing: Turns::new(ROOM, ROOM / 2),
            constructing: Turns::new(CONSTRUCTING, CONSTRUCTING / 4),
            judges: Judges::default(),
            most: bytes,
        }
    }

    /// The manifest with this hash. S3 is asked on behalf of the caller whether he may read it, also
    /// where it is in memory already.
    ///
    /// # Errors
    /// Denied by the token, no credentials, what AWS answered; a manifest that is broken or too large.
    pub async fn open(
        &self,
        s3: &S3,
        bucket: &BucketName,
        hash: &TopHash,
        told: Told<'_>,
    ) -> Result<Arc<Index>, ToolError> {
        let (bucket, hash) = (bucket.clone(), hash.clone());
        let uri =
            S3Uri { bucket: bucket.clone(), key: format!("{MANIFESTS}{hash}"), version_id: None };
        // A byte of it and not a HEAD, which S3 may answer to who may not decrypt the object.
        let first = s3.read(&uri, 0, 1).await.map_err(|error| match error.code {
            Code::NoSuchObject => no_manifest(&bucket, &hash),
            _ => error,
        })?;
        let key = Key { bucket, hash, etag: first.etag.clone() };
        let load = || self.load(s3, &uri, first.size, first.etag.as_deref(), told);
        let mut was_here = false;
        let loaded = self.kept.try_get_with_by_ref(&key, async {
            was_here = true;
            load().await
        });
        match loaded.await {
            // Somebody else's load failed, perhaps because of what he may not: it is tried as oneself.
            Err(_) if !was_here => {
                let index = load().await?;
                self.kept.insert(key, index.clone()).await;
                Ok(index)
            }
            loaded => loaded.map_err(|error| (*error).clone()),
        }
    }

    /// Bytes of memory that one manifest may take.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Goes through an index in a thread for such work: a million entries take a second.
    ///
    /// # Errors
    /// `timeout` where others have all threads for too long, or a fault of ours.
    pub async fn compute<T: Send + 'static>(
        &self,
        user: &User,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, ToolError> {
        let turn = self.computing.take(user, 1, TURN).await;
        let turn = turn.ok_or_else(|| busy("Going through a package, or through tables,"))?;
        let done = tokio::task::spawn_blocking(move || {
            // The thread works on when the caller has left, so the turn is its own.
            let _turn = turn;
            work()
        });
        let done = done.await;
        let done = done.map_err(|_| ToolError::internal("going through a package failed"))?;
        done.map_err(|_| ToolError::internal("an index could not be read"))
    }

    /// Room to list the objects of a push.
    ///
    /// # Errors
    /// `timeout` where others list for too long.
    pub async fn gathering(&self, user: &User) -> Result<Turn, ToolError> {
        let turn = self.gathering.take(user, 1, TURN).await;
        turn.ok_or_else(|| busy("Making a package"))
    }

    /// Room for a push, which takes so many bytes; kept until it is over.
    ///
    /// # Errors
    /// `timeout` where other pushes take it for too long.
    pub async fn pushing(&self, user: &User, bytes: usize) -> Result<Turn, ToolError> {
        let turn = self.pushing.take(user, bytes.div_ceil(PIECE).min(MOST_OF_ROOM), TURN).await;
        turn.ok_or_else(|| busy("Making a package"))
    }

    /// The turns for judging by workflows.
    pub fn judges(&self) -> &Judges {
        &self.judges
    }

    /// A turn to have the registry make a revision, whose text is in memory meanwhile.
    ///
    /// # Errors
    /// `timeout` where others' revisions, or one's own, take too long.
    pub async fn constructing(&self, user: &User) -> Result<Turn, ToolError> {
        let turn = self.constructing.take(user, 1, LIMITS.overall).await;
        turn.ok_or_else(|| busy("Making a package"))
    }

    async fn load(
        &self,
        s3: &S3,
        uri: &S3Uri,
        size: u64,
        etag: Option<&str>,
        told: Told<'_>,
    ) -> Result<Arc<Index>, ToolError> {
        if size > MAX_TEXT {
            return Err(too_large(uri, format!("It has more than {MAX_TEXT} bytes.")));
        }
        let shares = usize::try_from(size.div_ceil(SHARE)).unwrap_or(SHARES);
        let turn = self.loading.take(&s3.user(), shares, TURN).await;
        let turn = turn.ok_or_else(|| busy(&format!("Reading {uri}")))?;
        let body = s3.stream(uri, None, LIMITS).await?;
        if body.etag.as_deref() != etag {
            return Err(broken(uri, "it was replaced while it was read".to_owned()));
        }
        let index = read(body, self.most, told, turn).await?;
        index.map(Arc::new).map_err(|error| match error {
            NotIndexed::TooLarge(most) => {
                too_large(uri, format!("Compressed it takes more than {most} bytes of memory."))
            }
            error => broken(uri, error.to_string()),
        })
    }
}

/// Reads a body into an index: the network here, sorting and compressing in a thread for such work.
async fn read(
    mut body: Body,
    most: usize,
    told: Told<'_>,
    turn: Turn,
) -> Result<Result<Index, NotIndexed>, ToolError> {
    // `None` is the end. A queue that is closed before it has lost its caller, or half of the text.
    let (pieces, mut queue) = mpsc::channel::<Option<bytes::Bytes>>(AHEAD);
    let built = tokio::task::spawn_blocking(move || {
        // Until its memory is given back, also when the caller has left.
        let _turn = turn;
        let mut builder = Builder::new(most);
        loop {
            match queue.blocking_recv() {
                Some(Some(piece)) => builder.push(&piece)?,
                Some(None) => return builder.finish().map(Some),
                None => return Ok(None),
            }
        }
    });
    let (size, mut done) = (body.size, 0);
    while let Some(piece) = body.next().await? {
        done += piece.len() as u64;
        told(done, size);
        if pieces.send(Some(piece)).await.is_err() {
            // It has found a fault and says which.
            break;
        }
    }
    // Nobody listens where a fault was found.
    let _told = pieces.send(None).await;
    let built = built.await.map_err(|_| ToolError::internal("reading a manifest failed"))?;
    match built {
        Ok(Some(index)) => Ok(Ok(index)),
        Ok(None) => Err(ToolError::internal("half a manifest was read")),
        Err(fault) => Ok(Err(fault)),
    }
}

fn no_manifest(bucket: &BucketName, hash: &TopHash) -> ToolError {
    ToolError::new(
        Code::NoSuchPackage,
        format!("There is no revision {hash} in s3://{bucket}"),
        "The registry has no manifest of that name.",
        "package_versions lists the revisions of a package.",
    )
}

fn broken(uri: &S3Uri, why: String) -> ToolError {
    ToolError::new(
        Code::BrokenPackage,
        format!("The manifest {uri} cannot be read"),
        why,
        "Choose another revision (package_versions), or have the package pushed again.",
    )
}

fn too_large(uri: &S3Uri, why: String) -> ToolError {
    ToolError::new(
        Code::PackageTooLarge,
        format!("The manifest {uri} is too large for this server"),
        why,
        "Ask the operator for a larger QUILT_MCP_PACKAGE_CACHE_MIB, or read the manifest itself as an \
         object.",
    )
}

fn busy(what: &str) -> ToolError {
    ToolError::new(
        Code::Timeout,
        format!("{what} had to wait for too long"),
        "Large packages are being read or made, by others or by you.",
        "Call again in a minute.",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn work_keeps_its_turn_when_its_caller_leaves() {
        let store = Store::new(1);
        let user = |n: usize| -> User { ("realm".into(), n.to_string().into()) };
        let turns = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (begun, begins) = channel();
        let mut gates = Vec::new();
        for n in 0..turns {
            let (gate, wait) = channel::<()>();
            let begun = begun.clone();
            let user = user(n);
            let work = store.compute(&user, move || {
                begun.send(()).map_err(std::io::Error::other)?;
                wait.recv().map_err(std::io::Error::other)
            });
            gates.push(gate);
            // The caller leaves.
            assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
            begins.recv().unwrap();
        }
        let other = user(turns);
        let next = store.compute(&other, || Ok(7));
        assert!(tokio::time::timeout(Duration::from_millis(50), next).await.is_err(), "no turn");
        gates.pop().unwrap().send(()).unwrap();
        assert_eq!(store.compute(&other, || Ok(7)).await.unwrap(), 7);
    }
}
