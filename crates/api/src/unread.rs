use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How much of long answers is in memory at a time that clients have not read yet, in
/// [`UNIT`]s: 64 MiB. Whoever asks for them and reads none of it takes no more than that.
static UNREAD: Semaphore = Semaphore::const_new(LARGEST as usize);

/// An answer that is shorter is not counted, in bytes: as many as there are connections fit.
const UNIT: usize = 16 * 1024;
const LARGEST: u32 = 4_096;

/// A long answer, and its part of what may be unread.
struct Held {
    body: Vec<u8>,
    _part: SemaphorePermit<'static>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// The body of an answer, unless too much of others is unread.
pub(crate) fn hold(body: Vec<u8>) -> Option<Bytes> {
    match u32::try_from(body.len() / UNIT).unwrap_or(u32::MAX).min(LARGEST) {
        0 => Some(body.into()),
        units => {
            let part = UNREAD.try_acquire_many(units).ok()?;
            Some(Bytes::from_owner(Held { body, _part: part }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unread_is_held_up_to_a_limit_and_what_is_short_in_any_case() {
        let long = || hold(vec![b'x'; UNIT * (LARGEST as usize / 4)]);
        let held: Vec<_> = (0..4).map(|_| long().unwrap()).collect();
        assert!(held.iter().all(|body| body.len() == UNIT * (LARGEST as usize / 4)));
        assert!(long().is_none() && hold(vec![0; UNIT]).is_none());
        assert!(hold(vec![0; UNIT - 1]).is_some());
        drop(held);
        assert!(long().is_some());
        // What is longer than all that fits has it for itself.
        let longest = hold(vec![0; UNIT * (LARGEST as usize + 1)]).unwrap();
        assert!(hold(vec![0; UNIT]).is_none());
        drop(longest);
    }
}
