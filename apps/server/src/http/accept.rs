use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use super::service::HttpService;

/// The time limit for the headers of a request, and for an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest size of a request's headers, in bytes.
const MAX_HEADERS: usize = 64 * 1024;
/// How long a client may read nothing of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take once the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of connections that are served at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// The length of the system's queue. (By default, tokio asks for 128.) A client that finds it full
/// tries again after a second or more.
const BACKLOG: u32 = 4_096;
/// How much of a response the system buffers, in bytes; Linux doubles the value.
const SEND_BUFFER: u32 = 128 * 1024;
/// The pause after a failed accept, for example when there are no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds a listening socket.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Without it, a restart fails while connections of the previous server are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Bounds the memory that responses take which nobody reads.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves connections until `stop` completes. Then it waits for the requests in flight and for
/// `drain`, at most [`DRAIN_TIMEOUT`].
pub(crate) async fn serve(
    listener: TcpListener,
    service: HttpService,
    stop: impl Future<Output = ()>,
    drain: impl AsyncFnOnce(),
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let shutdown = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some((stream, peer, slot)) = accept(&listener, &slots) => {
                let service = service.for_peer(peer.ip());
                let connection = serve_connection(stream, service, shutdown.watcher());
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    tracing::info!("stopping");
    let finish = async {
        shutdown.shutdown().await;
        drain().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, finish).await.is_err() {
        tracing::warn!("requests that took longer than {DRAIN_TIMEOUT:?} were cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, peer, slot)),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, service: HttpService, shutdown: Watcher) {
    // Responses are small: Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS)
        // Bodies are written without a copy, so that the limit on unread responses counts all.
        .writev(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // Clients disconnect at any time: that is not worth a record.
    let _ = shutdown.watch(connection).await;
}
