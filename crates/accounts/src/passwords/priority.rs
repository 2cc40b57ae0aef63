/// Lowers the priority of the calling thread, so that the threads that serve requests and those
/// of the store go first: they have little to do each time, and somebody waits for it.
///
/// This is the lowest ordinary priority, not the idle class (`SCHED_IDLE`): under that, a flood of
/// cheap requests would make sign-ins wait for seconds. This priority still gets about a seventieth
/// of a core that others want entirely.
#[cfg(target_os = "linux")]
pub(super) fn lower() {
    // Without a process, this means the calling thread. Lowering a priority needs no privileges.
    // If it is refused all the same, hashing continues with the priority it has.
    let _ = rustix::process::setpriority_process(None, LOWEST);
}

/// The lowest priority, as a `nice` value.
#[cfg(target_os = "linux")]
pub(super) const LOWEST: i32 = 19;

/// On other systems a priority belongs to a process, not to a thread.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower() {}
