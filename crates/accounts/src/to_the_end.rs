use std::future::Future;
use std::panic::resume_unwind;

use tracing::Instrument as _;

/// Runs a change to its end even if its caller goes away meanwhile, as the handler of a
/// request does when the client hangs up: what is written to the store then still gets its
/// line in the log. What comes before the change, and waits for a turn to hash a password
/// say, is given up with its caller.
pub(crate) async fn to_the_end<T, F>(change: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    match tokio::spawn(change.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime stops, and with it the caller.
            Err(_) => std::future::pending().await,
        },
    }
}
