use std::io;
use std::net::{IpAddr, SocketAddr};

use accounts::Weakness;
use auth_core::Origin;

use super::report::Finding;
use crate::http;
use crate::weakness::{message, no_public_url};

const PUBLIC_URL: &str = "public url";

/// Checks that the server can listen on its address. The port may be in use, by the server itself.
/// This check does not listen, because a server that starts at the same time would fail.
pub(super) fn listen(address: SocketAddr) -> Finding {
    const LISTEN: &str = "listen";
    match http::bind(address) {
        Ok(_) => Finding::ok(LISTEN, format!("the server can listen on {address}")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::ok(
            LISTEN,
            format!("{address} is in use, which is normal while the server runs"),
        ),
        Err(error) => Finding::fail(
            LISTEN,
            format!("cannot listen on {address}: {error}; choose another address with --listen"),
        ),
    }
}

/// Checks that passwords and tokens are encrypted in transit.
pub(super) fn public_url(url: Option<&Origin>, listen: IpAddr) -> Finding {
    let Some(url) = url else {
        return match listen.is_loopback() {
            true => Finding::ok(PUBLIC_URL, "http://localhost, for this machine only"),
            false => Finding::warn(PUBLIC_URL, no_public_url(listen)),
        };
    };
    match (url.is_https(), url.is_loopback(), listen.is_loopback()) {
        (true, _, true) => Finding::ok(PUBLIC_URL, url.as_str()),
        (true, _, false) => Finding::warn(
            PUBLIC_URL,
            format!(
                "other machines can bypass {url} and connect without TLS, because of --listen {listen}; listen on 127.0.0.1, or let a firewall admit only the proxy"
            ),
        ),
        (false, true, true) => Finding::ok(PUBLIC_URL, format!("{url}, for this machine only")),
        (false, true, false) => Finding::warn(
            PUBLIC_URL,
            format!(
                "{url} is for this machine only, but --listen {listen} accepts connections from other machines; listen on 127.0.0.1"
            ),
        ),
        (false, false, _) => {
            Finding::fail(PUBLIC_URL, message(&Weakness::PlainHttp { origin: url.clone() }))
        }
    }
}

/// Checks that the server sees the IP addresses of clients, not that of its proxy.
pub(super) fn proxies(url: Option<&Origin>, listen: IpAddr, is_any_trusted: bool) -> Finding {
    const PROXY: &str = "proxy";
    let is_behind_proxy = url.is_some_and(Origin::is_https) && listen.is_loopback();
    match (is_behind_proxy, is_any_trusted) {
        (true, false) => Finding::warn(
            PROXY,
            "no proxy is trusted, so all clients seem to have the proxy's IP address and share the throttle's limits for one IP address; set --trusted-proxy to the proxy's IP address",
        ),
        (_, true) => Finding::ok(
            PROXY,
            "X-Forwarded-For is read from trusted proxies only; to check that the proxy sends it, log in through the proxy and look for your IP address in latchkey audit --since 10m",
        ),
        (false, false) => {
            Finding::ok(PROXY, "X-Forwarded-For is ignored, because no proxy is trusted")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::report::Level::{Fail, Ok, Warn};
    use super::*;

    const ALL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    #[test]
    fn an_address_of_another_machine_fails_and_one_in_use_is_ok() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listen(address).level, Ok);
        drop(listener);
        assert_eq!(listen(SocketAddr::new(HERE, 0)).level, Ok);
        // TEST-NET-1 (RFC 5737).
        assert_eq!(listen("192.0.2.1:0".parse().unwrap()).level, Fail);
    }

    #[test]
    fn plain_http_for_other_machines_fails_and_bypassing_tls_is_a_warning() {
        for (url, here, all) in [
            (None, Ok, Warn),
            (Some("https://auth.example.com"), Ok, Warn),
            (Some("http://auth.example.com"), Fail, Fail),
            (Some("http://localhost.example.com"), Fail, Fail),
            (Some("http://192.0.2.1:8080"), Fail, Fail),
            (Some("http://localhost:8080"), Ok, Warn),
            (Some("http://127.0.0.2:8080"), Ok, Warn),
            (Some("http://[::1]:8080"), Ok, Warn),
        ] {
            let levels =
                [HERE, ALL].map(|listen| public_url(url.map(origin).as_ref(), listen).level);
            assert_eq!(levels, [here, all], "{url:?}");
        }
    }

    #[test]
    fn a_probable_proxy_that_is_not_trusted_is_a_warning() {
        let https = Some("https://auth.example.com");
        for (url, listen, is_any_trusted, level) in [
            (https, HERE, false, Warn),
            (https, HERE, true, Ok),
            (https, ALL, false, Ok),
            (Some("http://localhost:8080"), HERE, false, Ok),
            (None, HERE, false, Ok),
        ] {
            assert_eq!(
                proxies(url.map(origin).as_ref(), listen, is_any_trusted).level,
                level,
                "{url:?} {listen}"
            );
        }
    }
}
