//! Who a caller's credentials are to AWS: `sts:GetCallerIdentity`, signed with them.

use jiff::Timestamp;

use super::{Clients, Holder, Source, failure::tool_error};
use crate::error::ToolError;

/// What AWS answers to whoever asks who he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ARN of the session or user.
    pub arn: String,
    /// The account.
    pub account: String,
    /// When the credentials end; `None` where their origin does not say.
    pub ends: Option<Timestamp>,
}

/// A session policy that opens nothing. STS answers this one question also to whom everything is denied.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

impl Clients {
    /// Asks AWS whose credentials these are. A role is assumed for nothing else, so that its session can do
    /// nothing else.
    ///
    /// # Errors
    /// As [`Clients::s3`], and what STS answered.
    pub async fn identity(
        &self,
        holder: &Holder,
        source: &Source,
        now: Timestamp,
    ) -> Result<Identity, ToolError> {
        let keys = self.keys(holder, source, |_| Some(NOTHING.to_owned()), now).await?;
        let _turn = self.turn(&holder.user()).await?;
        let answer = keys.sts().get_caller_identity().send().await;
        let answer =
            answer.map_err(|error| tool_error("Asking AWS who you are".to_owned(), &error))?;
        Ok(Identity {
            arn: answer.arn.unwrap_or_default(),
            account: answer.account.unwrap_or_default(),
            ends: keys.ends(),
        })
    }
}
