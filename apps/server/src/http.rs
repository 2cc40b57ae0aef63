//! Connections, and what every answer has: nothing of what is served is known here.

mod accept;
mod body;
mod envelope;
mod headers;
mod stopping;
mod timer;

pub(crate) use accept::{listen, serve};
pub(crate) use envelope::Envelope;

#[cfg(test)]
mod tests {
    use api::{Origin, TrustedProxies};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use warp::Filter as _;

    use super::*;

    async fn send(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_500_and_the_server_serves_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = warp::path("panic")
            .map(|| panic!("a secret"))
            .or(warp::any().map(api::not_found))
            .unify()
            .boxed();
        let service =
            Envelope::new(&Origin::localhost(80), TrustedProxies::default()).around(routes);
        tokio::spawn(serve(listener, service, std::future::pending(), async || ()));
        let answer = send(address, "/panic").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("\"code\":\"internal\"") && !answer.contains("secret"), "{answer}");
        for header in ["x-request-id: ", "content-security-policy: ", "cache-control: no-store"] {
            assert!(answer.contains(header), "{answer}");
        }
        assert!(send(address, "/").await.starts_with("HTTP/1.1 404 "));
    }
}
