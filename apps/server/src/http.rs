//! The HTTP layer: connections, the headers of every response, and the log record of every request.
//! It does not depend on the routes.

mod accept;
mod activity;
mod body;
mod connections;
mod head;
mod security_headers;
mod service;

pub(crate) use accept::{CONNECTIONS_MEMORY, bind, listen, serve};
pub(crate) use service::HttpService;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::TrustedProxies;
    use auth_core::Origin;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;
    use warp::Filter as _;

    use super::*;

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_500_and_the_server_keeps_running() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = warp::path("panic")
            .map(|| panic!("a secret"))
            .or(warp::any().map(api::not_found))
            .unify()
            .boxed();
        let service = HttpService::new(routes, &Origin::localhost(80), TrustedProxies::default());
        tokio::spawn(serve(listener, service, std::future::pending(), async || ()));
        let response = get(address, "/panic").await;
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(response.contains("\"code\":\"internal\""), "{response}");
        assert!(!response.contains("secret"), "{response}");
        for header in ["x-request-id: ", "content-security-policy: ", "cache-control: no-store"] {
            assert!(response.contains(header), "{response}");
        }
        assert!(get(address, "/").await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test]
    async fn a_stop_cuts_off_a_request_that_is_worked_on_and_then_drains() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let begun = Arc::new(Notify::new());
        let begin = Arc::clone(&begun);
        let routes = warp::any()
            .then(move || {
                begin.notify_one();
                std::future::pending::<warp::reply::Response>()
            })
            .boxed();
        let service = HttpService::new(routes, &Origin::localhost(80), TrustedProxies::default());
        let mut is_drained = false;
        let stop = async {
            begun.notified().await;
            // The time limits pass at once.
            tokio::time::pause();
        };
        let start = tokio::time::Instant::now();
        serve(listener, service, stop, async || is_drained = true).await;
        assert!(is_drained);
        // The time of the paused clock, not of a wall clock.
        assert!(start.elapsed() >= std::time::Duration::from_secs(10));
    }
}
