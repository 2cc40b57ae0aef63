/// Lets the threads that serve requests, and the store's, go before the one that calls this:
/// they have little to do each time, and somebody waits for it.
///
/// It is the lowest of the usual priorities and not the idle class (`SCHED_IDLE`): under that,
/// a flood of cheap requests would make those who log in wait for seconds. This one has about a
/// seventieth of the time of a core that others want all of.
#[cfg(target_os = "linux")]
pub(super) fn give_way() {
    // With no process named, it is this thread alone that is meant. To ask for less priority
    // needs no rights; where it is refused all the same, hashing goes on as it is.
    let _ = rustix::process::setpriority_process(None, NICEST);
}

/// As `nice` counts, upwards.
#[cfg(target_os = "linux")]
pub(super) const NICEST: i32 = 19;

/// Elsewhere a priority is not a thread's own, but a process's.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_way() {}
