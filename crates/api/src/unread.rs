use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How much of answers is in memory at a time that clients have not read yet, in [`UNIT`]s: 32
/// MiB of long ones, and as much of very long ones, which are not to take the room of the others.
/// Whoever asks for them and reads none of it takes no more than that.
static LONG: Semaphore = Semaphore::const_new(UNITS as usize);
static VERY_LONG: Semaphore = Semaphore::const_new(UNITS as usize);

/// What is shorter is not counted, in bytes.
const UNIT: usize = 16 * 1024;
const UNITS: u32 = 2_048;

/// From how many bytes on an answer is very long.
const A_LOT: usize = 256 * 1024;

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
    if body.len() < UNIT {
        return Some(body.into());
    }
    let room = if body.len() < A_LOT { &LONG } else { &VERY_LONG };
    let units = u32::try_from(body.len().div_ceil(UNIT)).unwrap_or(u32::MAX).min(UNITS);
    let part = room.try_acquire_many(units).ok()?;
    Some(Bytes::from_owner(Held { body, _part: part }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(units: usize) -> Option<Bytes> {
        hold(vec![b'x'; units * UNIT])
    }

    #[test]
    fn what_is_unread_is_held_up_to_a_limit_and_what_is_short_in_any_case() {
        let quarter = UNITS as usize / 4;
        let held: Vec<_> = (0..4).map(|_| answer(quarter).unwrap()).collect();
        assert!(held.iter().all(|body| body.len() == quarter * UNIT));
        assert!(answer(quarter).is_none());
        // There is room for what is shorter.
        let shorter = answer(1).unwrap();
        assert!(hold(vec![0; UNIT - 1]).is_some());
        drop((held, shorter));
        // What is longer than all that fits has it for itself.
        let longest = answer(UNITS as usize + 1).unwrap();
        assert!(answer(quarter).is_none());
        drop(longest);
        assert!(answer(quarter).is_some());
    }
}
