use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Describes an IP address. Its location is not looked up: location databases are often wrong, and
/// a wrong location alarms the user.
#[must_use]
pub fn ip(ip: Option<&str>) -> String {
    let Some(ip) = ip else { return "an unknown address".to_owned() };
    match ip.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_loopback() => format!("the server's own machine ({address})"),
        Ok(address) if is_local(address) => format!("the local network ({address})"),
        Ok(address) => address.to_string(),
        Err(_) => ip.to_owned(),
    }
}

/// Returns whether an address is private or link-local (RFC 1918, 3927, 4193, 4291).
const fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_local_v4(address),
        IpAddr::V6(address) => is_local_v6(address),
    }
}

const fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_link_local()
}

const fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(address: &str, text: &str) {
        assert_eq!(ip(Some(address)), format!("{text} ({address})"));
    }

    #[test]
    fn a_loopback_address_is_the_server_itself() {
        for address in ["127.0.0.1", "127.8.0.1", "::1"] {
            is(address, "the server's own machine");
        }
    }

    #[test]
    fn a_private_address_is_in_the_local_network() {
        for address in ["10.1.2.3", "172.16.0.9", "172.31.255.1", "192.168.1.20", "169.254.7.7"] {
            is(address, "the local network");
        }
        for address in ["fd00::7", "fe80::1"] {
            is(address, "the local network");
        }
    }

    #[test]
    fn any_other_address_is_shown_unchanged() {
        for address in ["203.0.113.9", "172.32.0.1", "192.169.0.1", "2001:db8::9", "from elsewhere"]
        {
            assert_eq!(ip(Some(address)), address);
        }
        assert_eq!(ip(None), "an unknown address");
    }

    #[test]
    fn addresses_are_shown_in_canonical_form() {
        assert_eq!(ip(Some("::ffff:192.168.1.20")), ip(Some("192.168.1.20")));
        assert_eq!(ip(Some("2001:DB8:0::9")), "2001:db8::9");
    }
}
