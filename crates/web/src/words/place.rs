use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address is, as far as the address itself tells. It could be looked up where on
/// earth that is; but the answer is often wrong, and then it frightens.
#[must_use]
pub fn place(ip: Option<&str>) -> String {
    let Some(ip) = ip else { return "unknown address".to_owned() };
    match ip.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_loopback() => format!("the server's own computer ({address})"),
        Ok(address) if is_local(address) => format!("local network ({address})"),
        Ok(address) => address.to_string(),
        Err(_) => ip.to_owned(),
    }
}

/// Whether it is one of those that anybody may use at home (RFC 1918, 3927, 4193, 4291).
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

    fn begins(ip: &str, words: &str) {
        assert_eq!(place(Some(ip)), format!("{words} ({ip})"));
    }

    #[test]
    fn an_address_that_leads_back_is_the_servers_own() {
        for ip in ["127.0.0.1", "127.8.0.1", "::1"] {
            begins(ip, "the server's own computer");
        }
    }

    #[test]
    fn an_address_that_everybody_has_at_home_is_in_the_local_network() {
        for ip in ["10.1.2.3", "172.16.0.9", "172.31.255.1", "192.168.1.20", "169.254.7.7"] {
            begins(ip, "local network");
        }
        for ip in ["fd00::7", "fe80::1"] {
            begins(ip, "local network");
        }
    }

    #[test]
    fn any_other_address_is_told_as_it_is() {
        for ip in ["203.0.113.9", "172.32.0.1", "192.169.0.1", "2001:db8::9", "from elsewhere"] {
            assert_eq!(place(Some(ip)), ip);
        }
        assert_eq!(place(None), "unknown address");
    }

    #[test]
    fn two_spellings_of_an_address_are_one() {
        assert_eq!(place(Some("::ffff:192.168.1.20")), place(Some("192.168.1.20")));
        assert_eq!(place(Some("2001:DB8:0::9")), "2001:db8::9");
    }
}
