//! Decisions about followers of the audit log.

use auth_core::Timestamp;

use crate::followers::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, FOLLOWER_LEASE, Follower, FollowerLease,
    LeaseHolder,
};

/// Decides whether `holder` gets a follower.
pub(crate) fn claim(
    follower: Option<&Follower>,
    holder: LeaseHolder,
    now: Timestamp,
) -> ClaimFollowerOutcome {
    match follower {
        None => ClaimFollowerOutcome::NotFound,
        Some(follower) if follower.is_held_by_another(holder, now) => ClaimFollowerOutcome::Held,
        Some(follower) => ClaimFollowerOutcome::Claimed(follower.position),
    }
}

/// Decides whether `holder` may move a follower. The end of the lease does not matter: if another
/// server has taken the follower over, that server is the holder.
pub(crate) fn advance(follower: Option<&Follower>, holder: LeaseHolder) -> AdvanceFollowerOutcome {
    match follower.and_then(|follower| follower.lease) {
        Some(lease) if lease.holder == holder => AdvanceFollowerOutcome::Advanced,
        _ => AdvanceFollowerOutcome::Lost,
    }
}

/// Returns the lease that a claim or a renewal at `now` gives.
pub(crate) fn lease(holder: LeaseHolder, now: Timestamp) -> FollowerLease {
    let until = now.checked_add(FOLLOWER_LEASE).unwrap_or(Timestamp::MAX);
    FollowerLease { holder, until }
}
