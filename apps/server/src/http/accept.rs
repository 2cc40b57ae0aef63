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

/// The time limit for receiving the headers of a request. It also closes idle connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The maximum size of a request's headers, in bytes.
const MAX_HEADERS: usize = 64 * 1024;
/// The time limit for a client that does not read its response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit for requests in flight during shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of concurrent connections. More connections wait in the accept queue.
const MAX_CONNECTIONS: usize = 4_096;
/// The length of the system's accept queue. Tokio's default is 128. If the queue is full, a client
/// retries after a second or more.
const BACKLOG: u32 = 4_096;
/// The size of a connection's send buffer in the kernel, in bytes. Linux doubles the value.
const SEND_BUFFER: u32 = 128 * 1024;
/// The pause after a failed accept, for example when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds a listening socket.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise a restart fails while connections of the previous server are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Limits the memory for responses that clients do not read.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves connections until `stop` completes. Then waits for the requests in flight and for
/// `drain`, for at most [`DRAIN_TIMEOUT`].
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
        // Without vectored writes, hyper copies response bodies into its own buffer, which the
        // limit on unread responses does not count.
        .writev(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // Errors are not logged, because a client may disconnect at any time.
    let _ = shutdown.watch(connection).await;
}
