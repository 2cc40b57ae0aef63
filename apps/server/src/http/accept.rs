use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use super::envelope::Enveloped;
use super::stopping::{Ear, Stopping};
use super::timer::ConnectionTimer;

/// How long the headers of a request may take, and a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a request is held at a time: the most that its headers may have, in bytes.
const MAX_HEADERS: usize = 64 * 1024;
/// How long a client may take nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may go on once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections are served at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// How many of them wait there. From any further one the system takes nothing, and it tries
/// again after a second, and after more. (Left alone, tokio makes room for 128.)
const MAX_WAITING: u32 = 4_096;
/// How much of an answer the system takes before it is read, in bytes; it may double that.
const SEND_BUFFER: u32 = 128 * 1024;
/// How long to wait after the system refused a connection, for want of file handles say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes a port.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart does not wait for the connections of the server before it to be forgotten.
    socket.set_reuseaddr(true)?;
    // What the system takes of an answer that nobody reads is bounded too.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(MAX_WAITING)
}

/// Serves connections until `stop` completes, then finishes what is in flight, and what else
/// `settle` waits for.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Enveloped,
    stop: impl Future<Output = ()>,
    settle: impl AsyncFnOnce(),
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = Stopping::default();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some((stream, peer, slot)) = accept(&listener, &slots) => {
                let service = service.clone().with_peer(peer.ip());
                let connection = connection(stream, service, connections.ear());
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    tracing::info!("stopping");
    let drain = async {
        connections.stop().await;
        settle().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, drain).await.is_err() {
        tracing::warn!("requests were cut off that took longer than {DRAIN_TIMEOUT:?}");
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
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, service: Enveloped, ear: Ear) {
    // Answers are small: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let connection = http1::Builder::new()
        .timer(ConnectionTimer::default())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS)
        // Answers are written from where they are, and not copied: what is unread is counted.
        .writev(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // Clients break off at any moment: that is no event.
    let _ = ear.attend(connection, http1::Connection::graceful_shutdown).await;
}
