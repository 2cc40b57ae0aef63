use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// A connection whose reads end with a line.
///
/// lettre buffers what it reads, and keeps the buffer when TLS begins. An attacker on the network
/// could add lines after the reply to `STARTTLS`, and lettre would take them for encrypted replies
/// (the attack of CVE-2021-38371). With reads that end with a line, its buffer is empty when TLS
/// begins. The added lines then count as part of the handshake, which fails.
#[derive(Debug)]
pub(crate) struct LineStream(BufReader<TcpStream>);

impl LineStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }
}

impl AsyncRead for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut reader = Pin::new(&mut self.0);
        let available = ready!(reader.as_mut().poll_fill_buf(context))?;
        let line = available.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let read = &line[..line.len().min(target.remaining())];
        target.put_slice(read);
        let length = read.len();
        reader.consume(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }
}
