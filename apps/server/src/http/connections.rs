//! The open connections, and limits on their number.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
/// The minimum time between two warnings about the limits.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum numbers of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    total: usize,
    per_client: usize,
}

/// A client, as connections are counted: an IPv4 address, or the /64 network of an IPv6 address,
/// which is the smallest that a site is assigned (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client(IpAddr);

/// All open connections.
pub(super) struct Connections {
    limits: Limits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Entry>,
    per_client: HashMap<Client, usize>,
    next_id: u64,
    /// The connections closed since the last warning.
    unreported: Counts,
    last_warning: Option<Instant>,
}

struct Entry {
    client: Option<Client>,
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
    /// The client has as many connections as one client can have, and none of them is idle.
    ClientLimit,
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
        Self { total, per_client: (total / CLIENT_SHARE).max(1) }
    }
}

impl Client {
    pub(super) fn new(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Self(IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into())),
            ip => Self(ip),
        }
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
    pub(super) fn admit(self: &Arc<Self>, client: Option<Client>, now: Instant) -> Admission {
        let mut table = self.lock();
        if let Some(client) = client
            && table.per_client.get(&client).is_some_and(|count| *count >= self.limits.per_client)
            && !table.evict_longest_idle(|entry| entry.client == Some(client))
        {
            table.unreported.rejected += 1;
            table.warn(now);
            return Admission::ClientLimit;
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

impl Table {
    fn insert(&mut self, entry: Entry) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(client) = entry.client {
            *self.per_client.entry(client).or_default() += 1;
        }
        self.open.insert(id, entry);
        id
    }

    fn remove(&mut self, id: u64) {
        let Some(Entry { client: Some(client), .. }) = self.open.remove(&id) else { return };
        if let Some(count) = self.per_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.per_client.remove(&client);
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
            "too many connections: idle ones were closed to make room, and those beyond the limit for one client were rejected"
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
        let limits = Limits { total, per_client };
        Arc::new(Connections { limits, table: Mutex::default() })
    }

    fn client(n: u8) -> Option<Client> {
        Some(Client::new(Ipv4Addr::new(192, 0, 2, n).into()))
    }

    /// Opens a connection, one second after the previous one.
    async fn open(connections: &Arc<Connections>, client: Option<Client>) -> OpenConnection {
        tokio::time::advance(Duration::from_secs(1)).await;
        match connections.admit(client, Instant::now()) {
            Admission::Admitted(connection) => connection,
            Admission::ClientLimit => unreachable!("the client has too many connections"),
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
        assert!(matches!(connections.admit(client(1), Instant::now()), Admission::ClientLimit));
        drop(work);
        drop(busy);
        open(&connections, client(1)).await;
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
        }
        let table = connections.lock();
        assert!(table.open.is_empty() && table.per_client.is_empty());
        assert_eq!(table.unreported, Counts::default());
    }

    #[test]
    fn an_ipv6_client_is_a_64_bit_network() {
        let ip = |text: &str| Client::new(text.parse::<Ipv6Addr>().unwrap().into());
        assert_eq!(ip("2001:db8::1"), ip("2001:db8::ffff:0:0:1"));
        assert_ne!(ip("2001:db8::1"), ip("2001:db8:0:1::1"));
        assert_eq!(Some(ip("::ffff:192.0.2.1")), client(1));
        assert_ne!(client(1), client(2));
    }

    #[test]
    fn the_limits_leave_file_descriptors_for_the_database() {
        for (files, total, per_client) in
            [(8_192, 4_096, 512), (u64::MAX, 4_096, 512), (1_024, 768, 96), (64, 48, 6), (1, 1, 1)]
        {
            assert_eq!(Limits::for_files(files), Limits { total, per_client }, "{files}");
        }
    }
}
