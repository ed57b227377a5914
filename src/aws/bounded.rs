//! Answers that are read whole have a bound: the SDK itself would take any number of bytes.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use aws_sdk_athena::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::BeforeDeserializationInterceptorContextMut as Answer,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::context::InterceptorContext,
        retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority},
    },
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{LengthLimitError, Limited};

/// Bytes of one answer of Athena's.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Objects in one answer's JSON. An empty cell is `{}`: what has two bytes there, and the comma, has many
/// times as many in memory.
pub const MAX_ANSWER_OBJECTS: usize = 200_000;

/// Cuts an answer off behind [`MAX_ANSWER_BYTES`] or [`MAX_ANSWER_OBJECTS`]: the call fails then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounded;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn modify_before_deserialization(
        &self,
        answer: &mut Answer<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = answer.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        let counted = Counted { body: whole, objects: Objects::default() };
        *body = SdkBody::from_body_1_x(Limited::new(counted, MAX_ANSWER_BYTES));
        Ok(())
    }
}

/// To the SDK it is an answer that broke off, and it would ask for the same twice more.
impl ClassifyRetry for Bounded {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if is_too_large(error) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Whether a call failed because its answer was too large.
pub(super) fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| cause.is::<LengthLimitError>() || cause.is::<TooManyObjects>())
}

/// A body that ends with [`TooManyObjects`] where it has more than [`MAX_ANSWER_OBJECTS`].
struct Counted {
    body: SdkBody,
    objects: Objects,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|f| f.as_ref().ok()?.data_ref()) {
            self.objects.count(data);
        }
        match self.objects.seen > MAX_ANSWER_OBJECTS {
            true => Poll::Ready(Some(Err(TooManyObjects.into()))),
            false => Poll::Ready(frame),
        }
    }
}

/// Counts the objects of a JSON text that comes in pieces; braces within strings are none.
#[derive(Debug, Default)]
struct Objects {
    seen: usize,
    in_string: bool,
    escaped: bool,
}

impl Objects {
    fn count(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_string,
                b'"' => self.in_string = !self.in_string,
                b'{' if !self.in_string => self.seen += 1,
                _ => {}
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the answer has more than {MAX_ANSWER_OBJECTS} objects")]
struct TooManyObjects;

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn objects_are_counted_in_any_pieces() {
        let text = br#"{"a":[{},{"V":"{ \" { \\"},{"V":"\\\""}],"b":{}}"#;
        for size in 1..text.len() {
            let mut objects = Objects::default();
            text.chunks(size).for_each(|piece| objects.count(piece));
            assert_eq!(objects.seen, 5, "pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_dense_answer_is_cut_off() {
        let answer = |cells: usize| Counted {
            body: SdkBody::from("{},".repeat(cells)),
            objects: Objects::default(),
        };
        assert!(answer(MAX_ANSWER_OBJECTS).collect().await.is_ok());
        let error = answer(MAX_ANSWER_OBJECTS + 1).collect().await.unwrap_err();
        assert!(is_too_large(error.as_ref()), "{error}");
    }
}
