use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

/// Tells connections that the server stops, and waits for them.
#[derive(Debug, Default)]
pub(super) struct Stopping(watch::Sender<()>);

/// What a connection hears it by.
pub(super) struct Ear(watch::Receiver<()>);

impl Stopping {
    pub(super) fn ear(&self) -> Ear {
        Ear(self.0.subscribe())
    }

    /// Tells all connections; completes when each has come to its end.
    pub(super) async fn stop(self) {
        let _ = self.0.send(());
        self.0.closed().await;
    }
}

impl Ear {
    /// Runs `connection` to its end, and has `wind_down` prepare that when the server stops.
    pub(super) async fn attend<C: Future>(
        mut self,
        connection: C,
        wind_down: impl Fn(Pin<&mut C>),
    ) -> C::Output {
        let mut connection = pin!(connection);
        // To ask whether the server stops takes a lock that all connections share. In here it
        // is asked only when it may have changed, and not whenever the connection goes on.
        let stops = async {
            let _ = self.0.changed().await;
        };
        let mut stops = pin!(FuturesUnordered::from_iter([stops]));
        poll_fn(|cx| {
            if let Poll::Ready(Some(_)) = stops.poll_next_unpin(cx) {
                wind_down(connection.as_mut());
            }
            connection.as_mut().poll(cx)
        })
        .await
    }
}
