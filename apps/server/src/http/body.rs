use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use super::activity::Activity;

/// The time limit for receiving a body, counted from the first wait for data.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request body with a time limit. An error closes the connection. While the server waits for
/// the rest of the body, the connection is idle.
pub(super) struct TimedBody {
    body: Incoming,
    activity: Arc<Activity>,
    /// Set at the first wait, because most requests have no body.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    pub(super) fn new(body: Incoming, activity: Arc<Activity>) -> Self {
        Self { body, activity, deadline: None }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Self { body, activity, deadline } = self.get_mut();
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame.map_err(Into::into))),
            Poll::Ready(None) if deadline.is_some() && activity.resume_work().is_err() => {
                Poll::Ready(Some(Err("the connection was closed while it was idle".into())))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let deadline = deadline.get_or_insert_with(|| {
                    activity.suspend_work();
                    Box::pin(sleep(BODY_TIMEOUT))
                });
                deadline.as_mut().poll(cx).map(|()| Some(Err("the body took too long".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
