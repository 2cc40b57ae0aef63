//! Content negotiation (RFC 9110, 12.5).

use warp::http::HeaderMap;
use warp::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

/// The encoding of a compressed asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Returns the encodings that the client accepts, the smallest first.
    pub(crate) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Self> {
        let accepted = preferences(headers, ACCEPT_ENCODING);
        [Self::Brotli, Self::Gzip].into_iter().filter(move |encoding| {
            weight(&accepted, &[encoding.name(), "*"]).is_some_and(|weight| weight > 0.0)
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// Returns whether the client accepts HTML. A request without an `Accept` header accepts anything.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    let accepted = preferences(headers, ACCEPT);
    weight(&accepted, &["text/html", "text/*", "*/*"]).is_some_and(|weight| weight > 0.0)
}

/// Returns the members of a list header with their weights, 1 by default.
fn preferences(headers: &HeaderMap, name: HeaderName) -> Vec<(String, f32)> {
    let values = headers.get_all(name);
    let members = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    members
        .map(|member| {
            let mut parts = member.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let q = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            (name, q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
        })
        .collect()
}

/// Returns the weight of the first of `names` that is listed. Callers put the most specific name
/// first.
fn weight(listed: &[(String, f32)], names: &[&str]) -> Option<f32> {
    names.iter().find_map(|name| {
        listed.iter().find(|(listed, _)| listed == name).map(|(_, weight)| *weight)
    })
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn accepted_encodings_are_ordered_by_size() {
        use Encoding::{Brotli, Gzip};
        let cases: [(&[&'static str], &[Encoding]); 10] = [
            (&[], &[]),
            (&["identity"], &[]),
            (&["gzip, deflate, br, zstd"], &[Brotli, Gzip]),
            (&["GZIP"], &[Gzip]),
            (&["gzip", "br"], &[Brotli, Gzip]),
            (&["br;q=0, gzip"], &[Gzip]),
            (&["br;q=0.0, gzip;q=0"], &[]),
            (&["*"], &[Brotli, Gzip]),
            (&["*;q=0"], &[]),
            (&["br ; q=0.1,*;q=0"], &[Brotli]),
        ];
        for (values, expected) in cases {
            let headers = headers(&ACCEPT_ENCODING, values);
            assert_eq!(Encoding::accepted(&headers).collect::<Vec<_>>(), expected, "{values:?}");
        }
    }

    #[test]
    fn only_clients_that_accept_html_get_a_page() {
        for accepted in ["text/html", "*/*", "text/*;q=0.5", "application/json, text/html;q=0.1"] {
            assert!(accepts_html(&headers(&ACCEPT, &[accepted])), "{accepted}");
        }
        for accepted in ["application/json", "text/html;q=0, */*", "image/*", ""] {
            assert!(!accepts_html(&headers(&ACCEPT, &[accepted])), "{accepted}");
        }
        assert!(accepts_html(&HeaderMap::new()));
    }
}
