use std::sync::Arc;

use accounts::http::ApiError;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the memory that unread responses use. Otherwise, clients that request long responses and
/// do not read them could exhaust the memory of the server.
///
/// Long responses can use 32 MiB in total. Very long responses have a separate limit of 32 MiB, so
/// that they do not block the others.
pub(crate) struct ResponseLimits {
    long: Arc<Semaphore>,
    very_long: Arc<Semaphore>,
}

/// The unit in which the sizes of responses are counted, in bytes. Sizes are rounded up to whole
/// units, but responses shorter than one unit are not counted.
const UNIT: usize = 16 * 1024;

/// The maximum number of units per limit.
const MAX_UNITS: u32 = 2_048;

/// The minimum size of a very long response, in bytes.
const VERY_LONG: usize = 256 * 1024;

impl Default for ResponseLimits {
    fn default() -> Self {
        let semaphore = || Arc::new(Semaphore::new(MAX_UNITS as usize));
        Self { long: semaphore(), very_long: semaphore() }
    }
}

impl ResponseLimits {
    /// Returns the body as bytes that count towards the limits until they are dropped.
    pub(crate) fn count(&self, body: Vec<u8>) -> Result<Bytes, ApiError> {
        if body.len() < UNIT {
            return Ok(body.into());
        }
        let semaphore = if body.len() < VERY_LONG { &self.long } else { &self.very_long };
        let units = u32::try_from(body.len().div_ceil(UNIT)).unwrap_or(u32::MAX).min(MAX_UNITS);
        match Arc::clone(semaphore).try_acquire_many_owned(units) {
            Ok(permit) => Ok(Bytes::from_owner(CountedBody { body, _permit: permit })),
            Err(_) => Err(ApiError::TooManyUnreadResponses),
        }
    }
}

/// A body and the units that it uses.
struct CountedBody {
    body: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_responses_are_limited_and_short_ones_are_not_counted() {
        let limits = ResponseLimits::default();
        let count = |units: usize| limits.count(vec![b'x'; units * UNIT]);
        let quarter = MAX_UNITS as usize / 4;
        let unread: Vec<_> = (0..4).map(|_| count(quarter).unwrap()).collect();
        assert!(unread.iter().all(|body| body.len() == quarter * UNIT));
        assert!(matches!(count(quarter), Err(ApiError::TooManyUnreadResponses)));
        // Shorter responses have a separate limit.
        let shorter = count(1).unwrap();
        assert!(limits.count(vec![0; UNIT - 1]).is_ok());
        drop((unread, shorter));
        // A response that is longer than the limit uses the whole limit.
        let longest = count(MAX_UNITS as usize + 1).unwrap();
        assert!(count(quarter).is_err());
        drop(longest);
        assert!(count(quarter).is_ok());
    }
}
