//! A man in the middle between a client and a PostgreSQL server.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use test_postgres::TlsCluster;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Terminates the TLS connections of clients with its own certificate, connects to the server with
/// TLS, and forwards everything in both directions.
pub(super) struct Relay {
    port: u16,
    /// The passwords that clients have sent.
    passwords: mpsc::UnboundedReceiver<Vec<u8>>,
    task: JoinHandle<()>,
}

/// A change that a relay makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tampering {
    None,
    /// Tells the client that the server does not offer channel binding.
    HideChannelBinding,
    /// Asks the client for its password in plain text, instead of connecting to the server.
    AskForPassword,
}

impl Relay {
    /// Starts a relay with a certificate and its key, both in PEM.
    pub(super) async fn start(
        cluster: &TlsCluster,
        certificate: (String, String),
        tampering: Tampering,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, passwords) = mpsc::unbounded_channel();
        let connection = Connection {
            acceptor: acceptor(&certificate),
            connector: connector(cluster),
            server: cluster.cluster().port(),
            tampering,
            passwords: sender,
        };
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let connection = connection.clone();
                // A connection that is cut ends with an error.
                tokio::spawn(async move { drop(connection.relay(client).await) });
            }
        });
        Self { port, passwords, task }
    }

    /// Returns the URL of the database through the relay.
    pub(super) fn url(&self, cluster: &TlsCluster) -> String {
        let server = format!(":{}/", cluster.cluster().port());
        cluster.url("localhost").replace(&server, &format!(":{}/", self.port))
    }

    /// Returns a password that a client has sent in plain text.
    pub(super) fn password(&mut self) -> Option<Vec<u8>> {
        self.passwords.try_recv().ok()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor((certificate, key): &(String, String)) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn connector(cluster: &TlsCluster) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cluster.ca_file()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[derive(Clone)]
struct Connection {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    server: u16,
    tampering: Tampering,
    passwords: mpsc::UnboundedSender<Vec<u8>>,
}

type ClientStream = server::TlsStream<TcpStream>;
type ServerStream = client::TlsStream<TcpStream>;

impl Connection {
    async fn relay(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.read_exact(&mut [0; SSL_REQUEST.len()]).await?;
        client.write_all(b"S").await?;
        let mut client = self.acceptor.accept(client).await?;
        if self.tampering == Tampering::AskForPassword {
            return self.ask_for_password(client).await;
        }
        let mut server = self.connect().await?;
        if self.tampering == Tampering::HideChannelBinding {
            hide_channel_binding(&mut client, &mut server).await?;
        }
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }

    async fn connect(&self) -> std::io::Result<ServerStream> {
        let mut server = TcpStream::connect(("127.0.0.1", self.server)).await?;
        server.write_all(&SSL_REQUEST).await?;
        server.read_exact(&mut [0]).await?;
        self.connector.connect("localhost".try_into().unwrap(), server).await
    }

    async fn ask_for_password(&self, mut client: ClientStream) -> std::io::Result<()> {
        read_startup(&mut client).await?;
        client.write_all(&AUTHENTICATION_CLEARTEXT_PASSWORD).await?;
        let mut password = vec![0; 1_000];
        let length = client.read(&mut password).await?;
        if length > 0 {
            password.truncate(length);
            let _ = self.passwords.send(password);
        }
        Ok(())
    }
}

// PostgreSQL's protocol, 55.7 "Message Formats".
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const AUTHENTICATION_CLEARTEXT_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];
const AUTHENTICATION_SASL: [u8; 4] = [0, 0, 0, 10];

async fn hide_channel_binding(
    client: &mut ClientStream,
    server: &mut ServerStream,
) -> std::io::Result<()> {
    server.write_all(&read_startup(client).await?).await?;
    let mut header = [0; 5];
    server.read_exact(&mut header).await?;
    let mut body = vec![0; body_length(header.last_chunk().unwrap())];
    server.read_exact(&mut body).await?;
    assert!(body.starts_with(&AUTHENTICATION_SASL), "{body:?}");
    let names = String::from_utf8(body[4..].to_vec()).unwrap();
    assert!(names.contains("SCRAM-SHA-256-PLUS\0"), "{names:?}");
    let names = names.replace("SCRAM-SHA-256-PLUS\0", "");
    let length = u32::try_from(4 + AUTHENTICATION_SASL.len() + names.len()).unwrap();
    client.write_all(b"R").await?;
    client.write_all(&length.to_be_bytes()).await?;
    client.write_all(&AUTHENTICATION_SASL).await?;
    client.write_all(names.as_bytes()).await?;
    client.flush().await
}

/// Reads the first message of a client, which has no type.
async fn read_startup(client: &mut ClientStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length).await?;
    let mut message = vec![0; body_length(&length)];
    client.read_exact(&mut message).await?;
    Ok([&length, message.as_slice()].concat())
}

fn body_length(length: &[u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(*length)).unwrap() - length.len()
}
