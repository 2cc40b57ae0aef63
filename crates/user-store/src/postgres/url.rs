//! Splits the URL of a database into its decoded parts.
//!
//! The syntax is that of libpq, which is not a URL of RFC 3986: it can have several hosts. No error
//! may contain the password, even if a character of it is not encoded.

use std::net::{IpAddr, Ipv6Addr};

use percent_encoding::percent_decode_str;

use crate::postgres::invalid_url::{InvalidPostgresUrl, PARAMETERS};

/// The decoded parts of a URL. It contains the password, and therefore has no `Debug`.
pub(super) struct Url {
    pub(super) user: Option<String>,
    pub(super) password: Option<Vec<u8>>,
    pub(super) hosts: UrlHosts,
    pub(super) database: String,
    parameters: Vec<(&'static str, String)>,
}

/// At least one host.
#[derive(Clone)]
pub(super) struct UrlHosts {
    pub(super) others: Vec<UrlHost>,
    pub(super) last: UrlHost,
}

impl UrlHosts {
    /// Returns the hosts in the order of the URL.
    pub(super) fn iter(&self) -> impl Iterator<Item = &UrlHost> {
        self.others.iter().chain([&self.last])
    }
}

#[derive(Clone)]
pub(super) struct UrlHost {
    /// A host name, an IP address without brackets, or the absolute path of the folder of a Unix
    /// socket.
    pub(super) name: String,
    pub(super) port: u16,
}

impl UrlHost {
    pub(super) fn is_unix_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    /// Returns `true` if the connection does not leave this machine. The other spellings of
    /// loopback addresses, such as `127.1`, are not recognised.
    pub(super) fn is_local(&self) -> bool {
        let is_loopback = |ip: IpAddr| ip.is_loopback();
        self.is_unix_socket()
            || self.name.eq_ignore_ascii_case("localhost")
            || self.name.parse().is_ok_and(is_loopback)
    }
}

const DEFAULT_PORT: u16 = 5432;

impl Url {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidPostgresUrl> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .ok_or(InvalidPostgresUrl::Scheme)?;
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before_query.split_once('/').unwrap_or((before_query, ""));
        reject_misplaced_characters(rest, authority)?;

        let (credentials, hosts) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let user = decode(user)?;
        let password = decode_bytes(password)?;
        let database = decode(database)?;
        let parameters = parse_parameters(query)?;
        let mut others = parse_hosts(hosts, &parameters)?;
        let last = others.pop().ok_or(InvalidPostgresUrl::NoHost)?;
        if database.is_empty() {
            return Err(InvalidPostgresUrl::NoDatabase);
        }
        Ok(Self {
            user: Some(user).filter(|user| !user.is_empty()),
            password: Some(password).filter(|password| !password.is_empty()),
            hosts: UrlHosts { others, last },
            database,
            parameters,
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }
}

fn find<'a>(parameters: &'a [(&'static str, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// Rejects a URL in which a part ends too early because a character of the password is not encoded.
/// Otherwise, the rest of the password would be parsed as a host, a database or a parameter, and
/// shown in messages.
fn reject_misplaced_characters(rest: &str, authority: &str) -> Result<(), InvalidPostgresUrl> {
    let at_signs = rest.matches('@').count();
    let is_misplaced = |c: char| c == '#' || c.is_whitespace() || c.is_control();
    if at_signs > 1 || authority.matches('@').count() != at_signs || rest.contains(is_misplaced) {
        return Err(InvalidPostgresUrl::Encoding);
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, InvalidPostgresUrl> {
    String::from_utf8(decode_bytes(text)?).map_err(|_| InvalidPostgresUrl::Encoding)
}

/// Decodes a part of the URL. Rejects a `%` without two hexadecimal digits, because it shows that
/// the part is not encoded, and NUL, which PostgreSQL's protocol cannot transmit.
fn decode_bytes(text: &str) -> Result<Vec<u8>, InvalidPostgresUrl> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let is_encoded = |(at, _)| {
        let bytes = text.as_bytes();
        is_digit(bytes.get(at + 1)) && is_digit(bytes.get(at + 2))
    };
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    if !text.match_indices('%').all(is_encoded) || decoded.contains(&0) {
        return Err(InvalidPostgresUrl::Encoding);
    }
    Ok(decoded)
}

fn parse_parameters(query: &str) -> Result<Vec<(&'static str, String)>, InvalidPostgresUrl> {
    let mut parameters: Vec<(&str, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(InvalidPostgresUrl::Encoding)?;
        let name = decode(name)?;
        let known = PARAMETERS
            .into_iter()
            .find(|known| *known == name)
            .ok_or(InvalidPostgresUrl::UnknownParameter(name))?;
        if find(&parameters, known).is_some() {
            return Err(InvalidPostgresUrl::Repeated(known));
        }
        parameters.push((known, decode(value)?));
    }
    Ok(parameters)
}

fn parse_hosts(
    authority: &str,
    parameters: &[(&'static str, String)],
) -> Result<Vec<UrlHost>, InvalidPostgresUrl> {
    let hosts = find(parameters, "host");
    let ports = find(parameters, "port");
    match (authority.is_empty(), hosts) {
        (true, None) => Err(InvalidPostgresUrl::NoHost),
        (true, Some(hosts)) => hosts_of_parameters(hosts, ports.unwrap_or_default()),
        (false, None) if ports.is_none() => authority.split(',').map(host_with_port).collect(),
        (false, _) => Err(InvalidPostgresUrl::HostsTwice),
    }
}

fn hosts_of_parameters(hosts: &str, ports: &str) -> Result<Vec<UrlHost>, InvalidPostgresUrl> {
    let hosts: Vec<&str> = hosts.split(',').collect();
    let ports: Vec<u16> = ports.split(',').map(parse_port).collect::<Result<_, _>>()?;
    if ports.len() != 1 && ports.len() != hosts.len() {
        return Err(InvalidPostgresUrl::PortCount);
    }
    let ports = ports.iter().cycle();
    hosts.into_iter().zip(ports).map(|(name, port)| host(name.to_owned(), *port)).collect()
}

/// Parses one element of the list of hosts before the path.
fn host_with_port(text: &str) -> Result<UrlHost, InvalidPostgresUrl> {
    let Some(text) = text.strip_prefix('[') else {
        let (name, port) = text.split_once(':').unwrap_or((text, ""));
        // An IPv6 address without brackets.
        if port.contains(':') {
            return Err(InvalidPostgresUrl::Host);
        }
        return host(decode(name)?, parse_port(port)?);
    };
    let (ip, port) = text.split_once(']').ok_or(InvalidPostgresUrl::Host)?;
    let ip: Ipv6Addr = ip.parse().map_err(|_| InvalidPostgresUrl::Host)?;
    let port = match port {
        "" => DEFAULT_PORT,
        port => parse_port(port.strip_prefix(':').ok_or(InvalidPostgresUrl::Host)?)?,
    };
    Ok(UrlHost { name: ip.to_string(), port })
}

fn host(name: String, port: u16) -> Result<UrlHost, InvalidPostgresUrl> {
    let in_host_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_host_name = !name.is_empty() && name.chars().all(in_host_name);
    if !name.starts_with('/') && !is_host_name && name.parse::<Ipv6Addr>().is_err() {
        return Err(InvalidPostgresUrl::Host);
    }
    Ok(UrlHost { name, port })
}

fn parse_port(text: &str) -> Result<u16, InvalidPostgresUrl> {
    match text {
        "" => Ok(DEFAULT_PORT),
        text => match text.parse() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(InvalidPostgresUrl::Port),
        },
    }
}
