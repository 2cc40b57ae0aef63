/// Lowers the priority of the calling thread, so that the threads that serve requests and the
/// threads of the store run first. Their work is short, and a client waits for it.
///
/// This uses the lowest normal priority, not the idle class (`SCHED_IDLE`). In the idle class, a
/// flood of cheap requests would delay sign-ins by seconds. At the lowest normal priority, a thread
/// still gets about 1/70 of a busy core.
#[cfg(target_os = "linux")]
pub(super) fn lower() {
    // `None` means the calling thread. Lowering a priority needs no privileges. If it fails anyway,
    // the thread keeps its priority.
    let _ = rustix::process::setpriority_process(None, LOWEST);
}

/// The lowest priority, as a `nice` value.
#[cfg(target_os = "linux")]
pub(super) const LOWEST: i32 = 19;

/// Does nothing: outside Linux, `setpriority` would affect the whole process, not only the thread.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower() {}
