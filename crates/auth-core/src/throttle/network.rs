use std::fmt;
use std::net::IpAddr;

/// The network of a client, which the throttle counts as one IP address.
///
/// This is an IPv4 address or the /64 of an IPv6 address, the smallest network that a site is
/// assigned (RFC 6177). A site can have up to 65,536 of them, so the throttle also counts the
/// attempts from the whole [`site`](Self::site). `Debug` does not print the network, because IP
/// addresses are personal data.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(Prefix);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Prefix {
    V4([u8; 4]),
    V6Subnet([u8; 8]),
    V6Site([u8; 6]),
    Unknown,
}

impl Network {
    /// Returns the network of a client with this IP address. All clients whose IP address is not
    /// known share one network. An IPv6 address that contains the client's IPv4 address, because it
    /// is IPv4-mapped or comes from NAT64 (`64:ff9b::/96`, RFC 6052), counts as that IPv4 address.
    #[must_use]
    pub fn of(ip: Option<IpAddr>) -> Self {
        Self(match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => Prefix::V4(ip.octets()),
            Some(IpAddr::V6(ip)) => match ip.octets() {
                [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
                    Prefix::V4([a, b, c, d])
                }
                [a, b, c, d, e, f, g, h, ..] => Prefix::V6Subnet([a, b, c, d, e, f, g, h]),
            },
            None => Prefix::Unknown,
        })
    }

    /// Returns the site of an IPv6 network: its /48. Other networks belong to no site.
    #[must_use]
    pub const fn site(self) -> Option<Self> {
        match self.0 {
            Prefix::V6Subnet([a, b, c, d, e, f, ..]) => {
                Some(Self(Prefix::V6Site([a, b, c, d, e, f])))
            }
            Prefix::V4(_) | Prefix::V6Site(_) | Prefix::Unknown => None,
        }
    }

    /// Returns the bytes of the prefix. Prefixes of different kinds have different lengths.
    pub(super) const fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Prefix::V4(bytes) => bytes,
            Prefix::V6Subnet(bytes) => bytes,
            Prefix::V6Site(bytes) => bytes,
            Prefix::Unknown => &[],
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(…)")
    }
}
