//! The last step of a push: who makes the revision, this server or the registry.

use std::sync::Arc;

use crate::{
    catalog::PushParams,
    domain::package::TopHash,
    packages::{
        Index,
        push::{Head, Place, construct::entries},
    },
    tools::prelude::*,
};

/// A revision that is there.
pub struct Published {
    /// The one that whoever made it says.
    pub hash: TopHash,
    /// Its pointer, where this server made it.
    pub timestamp: Option<String>,
}

/// Writes the revision, or has the registry make it. `head` is what `latest` has to be still, unless
/// `overwrite`; the registry does not ask again, so that in the time of its work another push can be lost.
///
/// # Errors
/// Denied, a conflict, what AWS or the registry answered.
pub async fn publish(
    cx: &Cx,
    place: &Place<'_>,
    (index, hash): (Arc<Index>, &TopHash),
    head: &Head,
    overwrite: bool,
    workflow: Option<&str>,
) -> Result<Published> {
    if !cx.registry_pushes() {
        let done = place.publish(&index, hash, head, overwrite, cx.now()).await?;
        return Ok(Published { hash: hash.clone(), timestamp: Some(done.timestamp) });
    }
    let _turn = cx.constructing().await?;
    let given = index.clone();
    let entries = cx.compute(move || Ok(entries(&given))).await??;
    if !overwrite && place.head().await? != *head {
        return Err(place.conflict());
    }
    let params = PushParams {
        message: index.header().message(),
        user_meta: index.header().user_meta().map(AsRef::as_ref),
        workflow,
        bucket: place.bucket,
        name: place.package,
    };
    let hash = cx.package_construct(params, &entries).await?;
    Ok(Published { hash, timestamp: None })
}
