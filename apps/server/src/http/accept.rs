use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Network;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::io::InspectWriter;

use super::connections::{Admission, Connections, MAX_CONNECTIONS, OpenConnection};
use super::head::MAX_HEAD;
use super::service::{ConnectionService, HttpService};

/// The time limit for receiving the headers of a request. It also closes idle connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The time limit for a client that does not read its response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit for requests in flight when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that clients have to send the rest of a request and to read a response when the server
/// stops. Otherwise, one unfinished request would make every stop take [`STOP_TIMEOUT`].
const CLIENT_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// The time limit for `drain` when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two searches for idle connections when the server stops.
const CLOSE_PAUSE: Duration = Duration::from_millis(100);
/// The length of the system's accept queue. Tokio's default is 128. If the queue is full, a client
/// retries after a second or more.
const BACKLOG: u32 = 4_096;
/// The size of a connection's send buffer in the kernel, in bytes. Linux doubles the value.
///
/// The double must be more than 64 KiB, the size of a segment on the loopback interface. With a
/// smaller buffer, the server waits for a delayed acknowledgment (40 ms) several times in a long
/// response.
const SEND_BUFFER: u32 = 36 * 1024;
/// The size of a connection's receive buffer in the kernel, in bytes. Linux doubles the value. If
/// it is not set, it grows to megabytes while a client sends requests and reads no responses.
const RECEIVE_BUFFER: u32 = 16 * 1024;
/// The maximum memory of a connection, in bytes: hyper's buffers for reading and for writing, and
/// those in the kernel.
const CONNECTION_MEMORY: u64 = 2 * MAX_HEAD as u64 + 2 * (SEND_BUFFER + RECEIVE_BUFFER) as u64;
/// The maximum memory of all connections, in bytes. A control group counts the buffers in the
/// kernel too.
pub(crate) const CONNECTIONS_MEMORY: u64 = MAX_CONNECTIONS as u64 * CONNECTION_MEMORY;
/// The pause before the next attempt if a connection cannot be accepted, for example because no
/// file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds a socket to an address on which no program listens. Connections are refused until
/// [`listen`] is called.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise a restart fails while connections of the previous server are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Limits the memory for responses that clients do not read, and for requests that the server
    // does not read yet. Accepted connections inherit both sizes.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Begins to listen. Fails if another program has bound the same address and listens since then.
pub(crate) fn listen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)
}

/// Serves connections until `stop` completes. Then waits for the requests in flight, for at most
/// [`STOP_TIMEOUT`], and for `drain`, for at most [`DRAIN_TIMEOUT`].
pub(crate) async fn serve(
    listener: TcpListener,
    service: HttpService,
    stop: impl Future<Output = ()>,
    drain: impl AsyncFnOnce(),
) {
    let connections = Connections::new();
    let shutdown = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (stream, peer, open) = accept(&listener, &connections, &service) => {
                let service = service.for_connection(peer.ip(), Arc::clone(&open.activity));
                tokio::spawn(serve_connection(stream, service, open, shutdown.watcher()));
            }
        }
    }
    drop(listener);
    tracing::info!("stopping");
    finish_requests(&connections, shutdown).await;
    if timeout(DRAIN_TIMEOUT, drain()).await.is_err() {
        tracing::warn!("changes that took longer than {DRAIN_TIMEOUT:?} were cut off");
    }
}

/// Waits for the requests in flight, for at most [`STOP_TIMEOUT`]. Connections that wait for their
/// clients are closed after [`CLIENT_STOP_TIMEOUT`].
async fn finish_requests(connections: &Connections, shutdown: GracefulShutdown) {
    // This closes connections that have not received a part of a request.
    let mut finished = pin!(shutdown.shutdown());
    if timeout(CLIENT_STOP_TIMEOUT, &mut finished).await.is_ok() {
        return;
    }
    let close_idle = async {
        loop {
            let closed = connections.close_idle();
            if closed > 0 {
                tracing::info!(closed, "closed connections whose clients were too slow");
            }
            sleep(CLOSE_PAUSE).await;
        }
    };
    tokio::select! {
        () = finished => {}
        () = close_idle => {}
        () = sleep(STOP_TIMEOUT - CLIENT_STOP_TIMEOUT) => {
            tracing::warn!("requests that took longer than {STOP_TIMEOUT:?} were cut off");
        }
    }
}

/// Accepts the next connection that is within the limits.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    service: &HttpService,
) -> (TcpStream, SocketAddr, OpenConnection) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                if is_out_of_files(&error) {
                    connections.make_room(Instant::now());
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A trusted proxy connects for many clients.
        let client = match service.trusts(peer.ip()) {
            true => None,
            false => Some(Network::of(Some(peer.ip()))),
        };
        loop {
            match connections.admit(client, Instant::now()) {
                Admission::Admitted(open) => return (stream, peer, open),
                Admission::NetworkLimit => break,
                Admission::Full => sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// Returns whether the process or the system has no free file descriptor.
fn is_out_of_files(error: &io::Error) -> bool {
    let files = [Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|error| files.contains(&error))
}

/// Serves a connection until it is closed or evicted.
async fn serve_connection(
    stream: TcpStream,
    service: ConnectionService,
    open: OpenConnection,
    shutdown: Watcher,
) {
    // Responses are small: Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    let activity = Arc::clone(&open.activity);
    let stream = InspectWriter::new(stream, move |_: &[u8]| activity.record_progress());
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        // Without vectored writes, hyper copies response bodies into its own buffer, which the
        // limit on unread responses does not count.
        .writev(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::select! {
        // Errors are not logged, because a client may disconnect at any time.
        _ = shutdown.watch(connection) => {}
        () = open.activity.evicted() => {}
    }
}
