use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{sleep, timeout};

use super::messages::{ClientMessages, Message, ends_transaction};
use super::{Ending, Fault, State};

/// The maximum time that the proxy waits for the answer to a COMMIT that it swallows. If a
/// statement before the COMMIT fails, there is no answer to the COMMIT.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection of a client, with its connection to the server.
struct Connection<'a> {
    state: &'a State,
    /// `true` if the client has sent something since the server last did.
    client_has_sent: AtomicBool,
    /// `true` if the client has sent a COMMIT whose answer is swallowed.
    swallows: AtomicBool,
}

pub(super) async fn serve(mut client: TcpStream, state: Arc<State>) {
    if state.pass().await == Fault::Reset {
        let _ = client.set_zero_linger();
        return;
    }
    let target = state.target.load(Ordering::Relaxed);
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    // Otherwise, the kernel would hold back small messages.
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let connection = Connection {
        state: &state,
        client_has_sent: AtomicBool::new(false),
        swallows: AtomicBool::new(false),
    };
    let ending = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            Err(ending) = connection.forward_requests(from_client, to_server) => ending,
            Err(ending) = connection.forward_answers(from_server, to_client) => ending,
            _ = state.wait_for(|fault| *fault == Fault::Reset) => Ending::Reset,
        }
    };
    if ending == Ending::Reset {
        let _ = client.set_zero_linger();
        let _ = server.set_zero_linger();
    }
}

impl Connection<'_> {
    async fn forward_requests(
        &self,
        mut client: ReadHalf<'_>,
        mut server: WriteHalf<'_>,
    ) -> Result<Infallible, Ending> {
        let mut messages = ClientMessages::default();
        let mut buffer = Vec::new();
        loop {
            if client.read_buf(&mut buffer).await? == 0 {
                return Err(Ending::Closed);
            }
            let fault = self.state.pass().await;
            if let Fault::Delay(delay) = fault {
                sleep(delay).await;
            }
            let mut complete = 0;
            while let Some((length, message)) = messages.next(&buffer[complete..]) {
                match (message, fault) {
                    (Message::Commit, Fault::SwallowCommit) => {
                        // Everything that was sent earlier arrives, as it would on a slow network.
                        server.write_all(&buffer[..complete]).await?;
                        self.state.swallowed_commits.fetch_add(1, Ordering::Relaxed);
                        return Err(Ending::Closed);
                    }
                    (Message::Commit, Fault::SwallowCommitReply) => {
                        self.swallows.store(true, Ordering::Relaxed);
                    }
                    _ => {}
                }
                complete += length;
            }
            self.client_has_sent.store(true, Ordering::Relaxed);
            server.write_all(&buffer[..complete]).await?;
            buffer.drain(..complete);
        }
    }

    async fn forward_answers(
        &self,
        mut server: ReadHalf<'_>,
        mut client: WriteHalf<'_>,
    ) -> Result<Infallible, Ending> {
        let mut buffer = Vec::new();
        loop {
            if server.read_buf(&mut buffer).await? == 0 {
                return Err(Ending::Closed);
            }
            if self.swallows.load(Ordering::Relaxed) {
                let _ = timeout(COMMIT_TIMEOUT, wait_for_commit(&mut server, &mut buffer)).await;
                self.state.swallowed_commits.fetch_add(1, Ordering::Relaxed);
                return Err(Ending::Closed);
            }
            self.state.pass().await;
            if self.client_has_sent.swap(false, Ordering::Relaxed) {
                self.state.round_trips.fetch_add(1, Ordering::Relaxed);
            }
            client.write_all(&buffer).await?;
            buffer.clear();
        }
    }
}

/// Reads until the server has ended the transaction.
async fn wait_for_commit(server: &mut ReadHalf<'_>, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    while !ends_transaction(buffer) {
        if server.read_buf(buffer).await? == 0 {
            break;
        }
    }
    Ok(())
}
