//! The memory that imported password hashes take, and the memory limit of the process.

use std::fs;
use std::path::Path;
use std::thread;

use crate::http;

const MIB: u64 = 1 << 20;

/// The memory that the server needs besides that for hashes, in bytes: the connections, and 128 MiB
/// for the program, its caches and long responses.
const OTHER_MEMORY: u64 = http::CONNECTIONS_MEMORY + 128 * MIB;

/// The memory that verifying memory-hard hashes takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashMemory {
    /// The memory of the most expensive hash. Zero if no hash is memory-hard.
    pub(crate) largest: u64,
    /// The budget for all hashes that are verified at the same time.
    pub(crate) budget: u64,
    /// The number of hashing threads, one per core.
    pub(crate) threads: u64,
}

impl HashMemory {
    /// Describes the hashing threads of this machine.
    pub(crate) fn on_this_machine(largest: u64, budget: u64) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { largest, budget, threads: u64::try_from(cores).unwrap_or(u64::MAX) }
    }

    /// Returns the maximum memory of all hashes that are verified at the same time. A hash that
    /// exceeds the budget is verified alone.
    pub(crate) fn needed(&self) -> u64 {
        self.largest.saturating_mul(self.threads).min(self.budget).max(self.largest)
    }

    /// Checks that the hashes fit into a memory limit. If they do not, returns a warning that says
    /// how to fix it.
    pub(crate) fn check(&self, limit: Option<u64>) -> Option<String> {
        let (needed, limit) = (self.needed(), limit?);
        if self.largest == 0 || needed.saturating_add(OTHER_MEMORY) <= limit {
            return None;
        }
        let problem = format!(
            "verifying imported password hashes takes up to {} of memory, but the limit of this process is {}",
            mib(needed),
            mib(limit)
        );
        let enough = mib(needed.saturating_add(OTHER_MEMORY));
        let available = limit.saturating_sub(OTHER_MEMORY);
        Some(if self.largest <= available {
            let budget = available / MIB;
            format!("{problem}; raise the limit to {enough}, or set --hash-memory to {budget}MiB")
        } else {
            format!("{problem}; raise the limit to {enough}")
        })
    }
}

/// Returns a number of bytes in MiB, rounded up.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(MIB))
}

/// Returns the memory limit of the control group of this process, in bytes, if there is one.
pub(crate) fn limit() -> Option<u64> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_of(&membership, Path::new("/sys/fs/cgroup"))
}

/// Returns the lowest limit of the control groups that a process is a member of, directly or
/// indirectly. `membership` is the content of `/proc/PID/cgroup`. Supports versions 1 and 2.
fn limit_of(membership: &str, root: &Path) -> Option<u64> {
    let mut limits = Vec::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (mount, file) = if id == "0" && controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        // In a container, the path can be the one on the host, and then only the root exists here.
        let path = Path::new(path.trim_start_matches('/'));
        for group in path.ancestors() {
            let text = fs::read_to_string(mount.join(group).join(file)).unwrap_or_default();
            // Version 2 writes `max` for no limit, and version 1 a number close to 2^63.
            limits.extend(text.trim().parse::<u64>().ok().filter(|limit| *limit < 1 << 60));
        }
    }
    limits.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn hashes(largest: u64, budget: u64, threads: u64) -> HashMemory {
        HashMemory { largest, budget, threads }
    }

    #[test]
    fn the_hashes_of_all_threads_need_memory_up_to_the_budget() {
        assert_eq!(hashes(0, 256 * MIB, 8).needed(), 0);
        assert_eq!(hashes(19 * MIB, 256 * MIB, 2).needed(), 38 * MIB);
        assert_eq!(hashes(64 * MIB, 256 * MIB, 8).needed(), 256 * MIB);
        assert_eq!(hashes(256 * MIB, 64 * MIB, 8).needed(), 256 * MIB);
    }

    #[test]
    fn the_default_budget_fits_into_the_limit_of_the_systemd_unit() {
        let unit = include_str!("../../../deploy/latchkey.service");
        assert!(unit.contains("\nMemoryMax=1G\n"));
        let largest = hashes(256 * MIB, accounts::Config::DEFAULT_HASH_MEMORY, 64);
        assert_eq!(largest.check(Some(GIB)), None);
    }

    #[test]
    fn the_documentation_states_the_memory_besides_that_for_hashes() {
        let (other, connections) = (mib(OTHER_MEMORY), mib(http::CONNECTIONS_MEMORY));
        let cli = include_str!("../../../docs/operations/cli.md");
        assert!(cli.contains(&format!("together with {other} for everything else")));
        let limits = include_str!("../../../docs/operations/limits.md");
        assert!(limits.contains(&format!("| connections, all together | {connections} |")));
    }

    #[test]
    fn too_little_memory_is_a_warning_that_says_how_to_fix_it() {
        let check = |largest, limit| hashes(largest, 256 * MIB, 4).check(limit);
        assert_eq!(check(64 * MIB, None), None);
        assert_eq!(check(64 * MIB, Some(928 * MIB)), None);
        assert_eq!(check(0, Some(MIB)), None);
        let warning = check(64 * MIB, Some(927 * MIB)).unwrap();
        for part in ["up to 256 MiB", "is 927 MiB", "to 928 MiB", "--hash-memory to 255MiB"] {
            assert!(warning.contains(part), "{warning}");
        }
        let warning = check(256 * MIB, Some(256 * MIB)).unwrap();
        assert!(!warning.contains("--hash-memory"), "one hash needs it all: {warning}");
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_lowest_limit_of_a_group_and_its_parents_applies() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "memory.max", "max\n");
        write(root, "system.slice/memory.max", "1073741824\n");
        write(root, "system.slice/latchkey.service/memory.max", "max\n");
        let limit = |text| limit_of(text, root);
        assert_eq!(limit("0::/system.slice/latchkey.service\n"), Some(GIB));
        assert_eq!(limit("0::/\n"), None);
        write(root, "system.slice/latchkey.service/memory.max", "536870912\n");
        assert_eq!(limit("0::/system.slice/latchkey.service\n"), Some(GIB / 2));
    }

    #[test]
    fn the_limit_of_version_1_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let unlimited = "9223372036854771712\n";
        write(root, "memory/memory.limit_in_bytes", unlimited);
        let text = "12:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/a\n";
        assert_eq!(limit_of(text, root), None);
        write(root, "memory/memory.limit_in_bytes", "268435456\n");
        assert_eq!(limit_of(text, root), Some(GIB / 4));
        write(root, "memory/docker/abc/memory.limit_in_bytes", "134217728\n");
        assert_eq!(limit_of(text, root), Some(GIB / 8));
    }

    #[test]
    fn unreadable_text_is_no_limit() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "nonsense", "0:", "0::/../../etc", "4:memory:/"] {
            assert_eq!(limit_of(text, folder.path()), None, "{text}");
        }
    }
}
