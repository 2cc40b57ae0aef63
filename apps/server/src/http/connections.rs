//! The open connections, and limits on their number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::Network;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use super::activity::Activity;

/// The maximum number of connections.
pub(super) const MAX_CONNECTIONS: usize = 4_096;
/// The number of file descriptors that suffices for [`MAX_CONNECTIONS`].
const MAX_FILES: u64 = 8_192;
/// One client can have an eighth of all connections: 512 of 4,096.
///
/// A browser opens up to six connections, so 85 people who share an IP address can load pages at
/// the same moment. Any number of people can load pages one after the other, because idle
/// connections are closed to make room.
const CLIENT_SHARE: usize = 8;
/// One IPv6 site can have four times as many connections as one client: half of all. A subscriber
/// is often assigned a whole /48, so a site can be one person with 65,536 /64 networks.
const CLIENTS_PER_SITE: usize = 4;
/// The minimum time between two warnings about the limits.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum numbers of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    total: usize,
    per_client: usize,
    per_site: usize,
}

/// All open connections.
pub(super) struct Connections {
    limits: Limits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Entry>,
    /// The numbers of connections of clients and of IPv6 sites.
    per_network: HashMap<Network, usize>,
    next_id: u64,
    /// The connections closed since the last warning.
    unreported: Counts,
    last_warning: Option<Instant>,
}

struct Entry {
    client: Option<Network>,
    activity: Arc<Activity>,
}

/// The numbers of connections that were closed because of a limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    evicted: usize,
    rejected: usize,
}

/// The result of [`Connections::admit`].
#[must_use]
pub(super) enum Admission {
    Admitted(OpenConnection),
    /// The client or its IPv6 site has as many connections as it can have, and none of them is idle.
    NetworkLimit,
    /// There are as many connections as possible, and none of them is idle.
    Full,
}

/// An open connection. It no longer counts once this is dropped.
pub(super) struct OpenConnection {
    connections: Arc<Connections>,
    id: u64,
    pub(super) activity: Arc<Activity>,
}

impl Limits {
    /// Returns the limits for a process that can have this number of file descriptors. A quarter
    /// of them is left for the database.
    fn for_files(files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let total = (files / 4 * 3).clamp(1, MAX_CONNECTIONS);
        let per_client = (total / CLIENT_SHARE).max(1);
        Self { total, per_client, per_site: per_client * CLIENTS_PER_SITE }
    }
}

impl Connections {
    /// Creates the table of connections. Their maximum number depends on the limit of this process
    /// on file descriptors, which is raised if possible.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { limits: Limits::for_files(raise_file_limit()), table: Mutex::default() })
    }

    /// Admits a new connection, unless a limit is reached. At a limit, the connection that has been
    /// idle for the longest time is closed instead.
    ///
    /// If `client` is `None`, the connection counts only towards the total.
    pub(super) fn admit(self: &Arc<Self>, client: Option<Network>, now: Instant) -> Admission {
        let mut table = self.lock();
        let site = client.and_then(Network::site);
        for (network, limit) in [(client, self.limits.per_client), (site, self.limits.per_site)] {
            if let Some(network) = network
                && table.per_network.get(&network).is_some_and(|count| *count >= limit)
                && !table.evict_longest_idle(|entry| entry.networks().any(|of| of == network))
            {
                table.unreported.rejected += 1;
                table.warn(now);
                return Admission::NetworkLimit;
            }
        }
        if table.open.len() >= self.limits.total && !table.evict_longest_idle(|_| true) {
            return Admission::Full;
        }
        table.warn(now);
        let activity = Arc::new(Activity::new());
        let id = table.insert(Entry { client, activity: Arc::clone(&activity) });
        Admission::Admitted(OpenConnection { connections: Arc::clone(self), id, activity })
    }

    /// Closes the connection that has been idle for the longest time, if there is one.
    pub(super) fn make_room(&self, now: Instant) {
        let mut table = self.lock();
        if table.evict_longest_idle(|_| true) {
            table.warn(now);
        }
    }

    /// Closes all idle connections, and returns their number.
    pub(super) fn close_idle(&self) -> usize {
        let table = self.lock();
        let mut closed = 0;
        for Entry { activity, .. } in table.open.values() {
            if activity.idle_since().is_some_and(|idle| activity.evict(idle)) {
                closed += 1;
            }
        }
        closed
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Returns the networks that the connection counts towards.
    fn networks(&self) -> impl Iterator<Item = Network> + use<> {
        self.client.into_iter().chain(self.client.and_then(Network::site))
    }
}

impl Table {
    fn insert(&mut self, entry: Entry) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        for network in entry.networks() {
            *self.per_network.entry(network).or_default() += 1;
        }
        self.open.insert(id, entry);
        id
    }

    fn remove(&mut self, id: u64) {
        let Some(entry) = self.open.remove(&id) else { return };
        for network in entry.networks() {
            if let Some(count) = self.per_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.per_network.remove(&network);
                }
            }
        }
    }

    /// Evicts the matching connection that has been idle for the longest time. Returns whether
    /// there was one.
    fn evict_longest_idle(&mut self, matches: impl Fn(&Entry) -> bool) -> bool {
        loop {
            let idle = self
                .open
                .iter()
                .filter(|(_, entry)| matches(entry))
                .filter_map(|(id, entry)| entry.activity.idle_since().map(|idle| (*id, idle)));
            let Some((id, idle)) = idle.min_by_key(|(_, idle)| idle.time) else { return false };
            // A connection that has just become active is not evicted.
            if self.open.get(&id).is_some_and(|entry| entry.activity.evict(idle)) {
                self.remove(id);
                self.unreported.evicted += 1;
                return true;
            }
        }
    }

    /// Logs how many connections were closed, at most once in [`WARNING_INTERVAL`].
    fn warn(&mut self, now: Instant) {
        let is_due = self.last_warning.is_none_or(|last| now - last >= WARNING_INTERVAL);
        if self.unreported == Counts::default() || !is_due {
            return;
        }
        let Counts { evicted, rejected } = std::mem::take(&mut self.unreported);
        self.last_warning = Some(now);
        tracing::warn!(
            open = self.open.len(),
            evicted,
            rejected,
            "too many connections: idle ones were closed to make room, and those beyond the limit for one client or IPv6 site were rejected"
        );
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
    }
}

/// Raises the limit on file descriptors to [`MAX_FILES`] or, if that is not allowed, as far as
/// possible. Returns the limit. A shell often sets it to 1,024, which programs may raise.
fn raise_file_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(u64::MAX);
    let wanted = maximum.unwrap_or(u64::MAX).min(MAX_FILES);
    if current < wanted
        && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok()
    {
        return wanted;
    }
    current
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn connections(total: usize, per_client: usize) -> Arc<Connections> {
        let limits = Limits { total, per_client, per_site: per_client * CLIENTS_PER_SITE };
        Arc::new(Connections { limits, table: Mutex::default() })
    }

    fn client(n: u8) -> Option<Network> {
        Some(Network::of(Some(Ipv4Addr::new(192, 0, 2, n).into())))
    }

    /// Returns a client in the `n`th /64 network of the IPv6 site `2001:db8:SITE::/48`.
    fn subnet(site: u16, n: u16) -> Option<Network> {
        Some(Network::of(Some(Ipv6Addr::new(0x2001, 0xdb8, site, n, 0, 0, 0, 1).into())))
    }

    /// Opens a connection, one second after the previous one.
    async fn open(connections: &Arc<Connections>, client: Option<Network>) -> OpenConnection {
        tokio::time::advance(Duration::from_secs(1)).await;
        match connections.admit(client, Instant::now()) {
            Admission::Admitted(connection) => connection,
            Admission::NetworkLimit => unreachable!("the client has too many connections"),
            Admission::Full => unreachable!("there are too many connections"),
        }
    }

    fn is_open(connection: &OpenConnection) -> bool {
        connection.activity.begin_work().is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_at_its_limit_loses_its_own_longest_idle_connection() {
        let connections = connections(100, 2);
        let other = open(&connections, client(2)).await;
        let first = open(&connections, client(1)).await;
        let second = open(&connections, client(1)).await;
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(first.activity.begin_work().unwrap());
        let third = open(&connections, client(1)).await;
        assert_eq!([&other, &first, &second, &third].map(is_open), [true, true, false, true]);
        // A connection that the server works for is never closed.
        let busy = [first, third];
        let work = busy.each_ref().map(|connection| connection.activity.begin_work().unwrap());
        assert!(matches!(connections.admit(client(1), Instant::now()), Admission::NetworkLimit));
        drop(work);
        drop(busy);
        open(&connections, client(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_ipv6_site_has_four_times_the_limit_of_a_client() {
        let connections = connections(100, 2);
        let mut site = Vec::new();
        for n in 0..8 {
            site.push(open(&connections, subnet(1, n)).await);
        }
        let others = [open(&connections, subnet(2, 0)).await, open(&connections, client(1)).await];
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(site[0].activity.begin_work().unwrap());
        // These two close the longest idle connections of the site.
        site.push(open(&connections, subnet(1, 8)).await);
        site.push(open(&connections, subnet(1, 7)).await);
        // This client is at its own limit, so it loses one of its own connections.
        site.push(open(&connections, subnet(1, 7)).await);
        let closed: Vec<_> = (0..site.len()).filter(|n| !is_open(&site[*n])).collect();
        assert_eq!(closed, [1, 2, 7]);
        assert!(others.iter().all(is_open));
        // A connection that the server works for is never closed.
        let busy: Vec<_> = site.iter().map(|connection| connection.activity.begin_work()).collect();
        assert_eq!(busy.iter().filter(|work| work.is_ok()).count(), 8);
        let ninth = connections.admit(subnet(1, 9), Instant::now());
        assert!(matches!(ninth, Admission::NetworkLimit));
        open(&connections, subnet(2, 9)).await;
        drop(busy);
        open(&connections, subnet(1, 9)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_connections_are_used_the_longest_idle_one_makes_room() {
        let connections = connections(3, 2);
        let mut all = Vec::new();
        for n in [1, 2, 3] {
            all.push(open(&connections, client(n)).await);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(all[0].activity.begin_work().unwrap());
        all.push(open(&connections, client(4)).await);
        let are_open: Vec<_> = all.iter().map(is_open).collect();
        assert_eq!(are_open, [true, false, true, true]);
        let work: Vec<_> = all.iter().map(|connection| connection.activity.begin_work()).collect();
        assert!(matches!(connections.admit(client(5), Instant::now()), Admission::Full));
        drop(work);
        connections.make_room(Instant::now());
        assert_eq!(all.iter().filter(|connection| is_open(connection)).count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_idle_connections_leaves_those_that_are_worked_on() {
        let connections = connections(10, 10);
        let idle = open(&connections, client(1)).await;
        let busy = open(&connections, client(1)).await;
        let work = busy.activity.begin_work().unwrap();
        assert_eq!(connections.close_idle(), 1);
        assert!(!is_open(&idle));
        assert_eq!(connections.close_idle(), 0, "it is closed once");
        drop(work);
        assert_eq!(connections.close_idle(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_without_a_client_count_only_towards_the_total() {
        let connections = connections(4, 1);
        let proxy = [open(&connections, None).await, open(&connections, None).await];
        open(&connections, client(1)).await;
        assert!(proxy.iter().all(is_open));
    }

    #[tokio::test(start_paused = true)]
    async fn closed_connections_do_not_count() {
        let connections = connections(2, 2);
        for n in 0..10 {
            drop(open(&connections, client(n)).await);
            drop(open(&connections, subnet(1, n.into())).await);
        }
        let table = connections.lock();
        assert!(table.open.is_empty() && table.per_network.is_empty());
        assert_eq!(table.unreported, Counts::default());
    }

    #[test]
    fn the_limits_leave_file_descriptors_for_the_database() {
        for (files, total, per_client, per_site) in [
            (8_192, 4_096, 512, 2_048),
            (u64::MAX, 4_096, 512, 2_048),
            (1_024, 768, 96, 384),
            (64, 48, 6, 24),
            (1, 1, 1, 4),
        ] {
            let limits = Limits { total, per_client, per_site };
            assert_eq!(Limits::for_files(files), limits, "{files}");
        }
    }
}
