//! The allocator.

use std::ffi::{c_int, c_long};

use mimalloc::MiMalloc;

/// Replaces the C library's allocator. With that one, threads wait for each other if memory is
/// allocated on one and freed on another, as requests do. It also keeps tens of MiB for each thread
/// that has verified an imported Argon2 or scrypt hash.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay` in `mimalloc.h`.
const PURGE_DELAY: c_int = 15;

#[expect(unsafe_code, reason = "the crate declares this function only with a further dependency")]
// SAFETY: this is the declaration in `mimalloc.h`, whose library is linked by the crate. The
// function ignores an unknown option. It is not thread-safe, but is only called at the start of the
// program, while there is one thread.
unsafe extern "C" {
    safe fn mi_option_set(option: c_int, value: c_long);
}

/// Makes the allocator return freed memory to the system immediately. By default, it does so at an
/// allocation at least a second later. Until then, the freed memory would add to the memory budget
/// for imported hashes.
pub(crate) fn return_memory_immediately() {
    mi_option_set(PURGE_DELAY, 0);
}
