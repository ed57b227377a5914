//! Opening manifests: authorised for every caller anew, kept in memory for all.

use std::{sync::Arc, time::Duration};

use moka::{future::Cache, policy::EvictionPolicy};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

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
};

/// The manifests of all registries that fit.
pub struct Store {
    kept: Cache<Key, Arc<Index>>,
    loading: Arc<Semaphore>,
    computing: Arc<Semaphore>,
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
const SHARES: u32 = 16;
/// How long one waits for others who read large manifests.
const TURN: Duration = Duration::from_secs(60);
/// How long a manifest may take.
const LIMITS: Limits = Limits { stall: Duration::from_secs(15), overall: Duration::from_secs(300) };
/// Pieces of the text between the network and the sorting.
const AHEAD: usize = 4;

impl Store {
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
            loading: Arc::new(Semaphore::new(SHARES as usize)),
            computing: Arc::new(Semaphore::new(cores)),
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
        let info = s3.info(&uri).await.map_err(|error| match error.code {
            Code::NoSuchObject => no_manifest(&bucket, &hash),
            _ => error,
        })?;
        let key = Key { bucket, hash, etag: info.etag.clone() };
        let load = self.load(s3, &uri, info.size, info.etag.as_deref(), told);
        self.kept.try_get_with(key, load).await.map_err(|error| (*error).clone())
    }

    /// Goes through an index in a thread for such work: a million entries take a second.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, ToolError> {
        let turn = self.computing.clone().acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            // The thread works on when the caller has left, so the turn is its own.
            let _turn = turn;
            work()
        });
        let done = done.await;
        let done = done.map_err(|_| ToolError::internal("going through a package failed"))?;
        done.map_err(|_| ToolError::internal("an index could not be read"))
    }

    /// The turns for judging by workflows.
    pub fn judges(&self) -> &Judges {
        &self.judges
    }

    async fn load(
        &self,
        s3: &S3,
        uri: &S3Uri,
        size: u64,
        etag: Option<&str>,
        told: Told<'_>,
    ) -> Result<Arc<Index>, ToolError> {
        let shares = u32::try_from(size.div_ceil(SHARE)).unwrap_or(SHARES).clamp(1, SHARES);
        let turn =
            tokio::time::timeout(TURN, self.loading.clone().acquire_many_owned(shares)).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(|| busy(uri))?;
        let body = s3.stream(uri, None, LIMITS).await?;
        if body.etag.as_deref() != etag {
            return Err(broken(uri, "it was replaced while it was read".to_owned()));
        }
        let index = read(body, self.most, told, turn).await?;
        index.map(Arc::new).map_err(|error| match error {
            NotIndexed::TooLarge(most) => too_large(uri, most),
            error => broken(uri, error.to_string()),
        })
    }
}

/// Reads a body into an index: the network here, sorting and compressing in a thread for such work.
async fn read(
    mut body: Body,
    most: usize,
    told: Told<'_>,
    turn: OwnedSemaphorePermit,
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

fn too_large(uri: &S3Uri, most: usize) -> ToolError {
    ToolError::new(
        Code::PackageTooLarge,
        format!("The manifest {uri} is too large for this server"),
        format!("Compressed it takes more than {most} bytes of memory."),
        "Ask the operator for a larger QUILT_MCP_PACKAGE_CACHE_MIB, or read the manifest itself as an \
         object.",
    )
}

fn busy(uri: &S3Uri) -> ToolError {
    ToolError::new(
        Code::Timeout,
        format!("Reading {uri} had to wait for too long"),
        "Others are reading large manifests.",
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
        let turns = store.computing.available_permits();
        let (begun, begins) = channel();
        let mut gates = Vec::new();
        for _ in 0..turns {
            let (gate, wait) = channel::<()>();
            let begun = begun.clone();
            let work = store.compute(move || {
                begun.send(()).map_err(std::io::Error::other)?;
                wait.recv().map_err(std::io::Error::other)
            });
            gates.push(gate);
            // The caller leaves.
            assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
            begins.recv().unwrap();
        }
        let next = store.compute(|| Ok(7));
        assert!(tokio::time::timeout(Duration::from_millis(50), next).await.is_err(), "no turn");
        gates.pop().unwrap().send(()).unwrap();
        assert_eq!(store.compute(|| Ok(7)).await.unwrap(), 7);
    }
}
