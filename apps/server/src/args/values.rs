//! Parsers for option values.

use std::net::SocketAddr;
use std::time::Duration;

use api::TrustedProxy;
use auth_core::{Email, InvalidOrigin, Origin, PasswordHasher, PasswordPolicy};

use crate::database::Database;

/// Parses an IP address and a port. An IPv4-mapped IPv6 address becomes the IPv4 address: a server
/// that listens on either accepts the same connections.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")?;
    match address.ip().to_canonical() {
        // Keeps the scope of a link-local address.
        ip if ip == address.ip() => Ok(address),
        ip => Ok(SocketAddr::new(ip, address.port())),
    }
}

pub(crate) fn database(text: &str) -> Result<Database, String> {
    Database::parse(text)
}

pub(crate) fn origin(text: &str) -> Result<Origin, InvalidOrigin> {
    Origin::parse(text)
}

pub(crate) fn proxy(text: &str) -> Result<TrustedProxy, &'static str> {
    text.parse().map_err(|_| "expected an IP address or a network, such as 127.0.0.1 or 10.0.0.0/8")
}

pub(crate) fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "expected an email address, such as latchkey@example.com")
}

pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str =
        "expected a number and a unit, such as 90s, 10m, 12h or 30d, from 1s to 36500d";
    let (number, seconds) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)))
        .ok_or(EXPECTED)?;
    let number: u32 = number.parse().map_err(|_| EXPECTED)?;
    let seconds = u64::from(number) * seconds;
    // At most 100 years, so that adding a duration to the current time does not overflow.
    if (1..=36_500 * 86_400).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(EXPECTED)
    }
}

pub(crate) fn memory(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected a size such as 256MiB or 1GiB, from 1MiB to 1024GiB";
    let (number, mebibytes) = [("MiB", 1), ("GiB", 1_024)]
        .iter()
        .find_map(|(unit, mebibytes)| Some((text.strip_suffix(unit)?, *mebibytes)))
        .ok_or(EXPECTED)?;
    let number: u32 = number.parse().map_err(|_| EXPECTED)?;
    let mebibytes = u64::from(number) * mebibytes;
    if (1..=1_024 * 1_024).contains(&mebibytes) { Ok(mebibytes << 20) } else { Err(EXPECTED) }
}

pub(crate) fn password_policy(text: &str) -> Result<PasswordPolicy, &'static str> {
    const EXPECTED: &str = "expected a number from 1 to 64";
    PasswordPolicy::new(text.parse().map_err(|_| EXPECTED)?).map_err(|_| EXPECTED)
}

pub(crate) fn iterations(text: &str) -> Result<u32, &'static str> {
    const EXPECTED: &str = "expected a number from 1000 to 10000000";
    let iterations = text.parse().map_err(|_| EXPECTED)?;
    PasswordHasher::new(iterations).map(|_| iterations).map_err(|_| EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("12h", 43_200), ("36500d", 3_153_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "",
            "5",
            "m",
            "5x",
            "5M",
            "1y",
            "-5m",
            "0s",
            "10ms",
            "1h 30m",
            "36501d",
            "99999999999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_memory_size_is_a_number_and_a_unit() {
        for (text, mebibytes) in [("1MiB", 1), ("256MiB", 256), ("2GiB", 2_048)] {
            assert_eq!(memory(text), Ok(mebibytes << 20));
        }
        for text in
            ["", "256", "MiB", "0MiB", "256M", "256mib", "-1MiB", "1.5GiB", "1025GiB", "1TiB"]
        {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ipv4_mapped_address_is_an_ipv4_address() {
        for (text, parsed) in [
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
            ("[::ffff:0.0.0.0]:80", "0.0.0.0:80"),
            ("[::ffff:7f00:1]:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::]:80", "[::]:80"),
            ("[fe80::1%2]:80", "[fe80::1%2]:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), parsed);
        }
    }
}
