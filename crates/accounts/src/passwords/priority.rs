#[cfg(target_os = "linux")]
use std::sync::Once;

/// Lowers the priority of the calling thread, so that the threads that serve requests and the
/// threads of the store run first. Their work is short, and a client waits for it.
///
/// This uses the lowest normal priority, not the idle class (`SCHED_IDLE`). In the idle class, a
/// flood of cheap requests would delay sign-ins by seconds. At the lowest normal priority, a thread
/// still gets about 1/70 of a busy core.
#[cfg(target_os = "linux")]
pub(super) fn lower() {
    static NOTE: Once = Once::new();
    // `None` means the calling thread. Lowering a priority needs no privileges, but a sandbox may
    // forbid the system call.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        NOTE.call_once(|| {
            tracing::warn!(
                %error,
                "the priority of the threads that hash passwords cannot be lowered, so requests \
                 wait longer during log-ins; allow the system call setpriority"
            );
        });
    }
}

/// The lowest priority, as a `nice` value.
#[cfg(target_os = "linux")]
pub(super) const LOWEST: i32 = 19;

/// Does nothing: outside Linux, `setpriority` would affect the whole process, not only the thread.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower() {}
