//! A SPIFFE id, valid from its construction on (SPIFFE-ID specification, sections 2.1 to 2.3).

use super::InvalidIdentity;

const SCHEME: &str = "spiffe://";
const MAX_BYTES: usize = 2048;
const MAX_TRUST_DOMAIN_BYTES: usize = 255;

/// A workload's SPIFFE id: scheme `spiffe`, a trust domain and a path that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SpiffeId {
    text: String,
    trust_domain_bytes: usize,
}

// === impl SpiffeId ===

impl SpiffeId {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidIdentity> {
        let refuse = |cause: &str| Err(InvalidIdentity::NotAnSvid(format!("{cause} in the uri {text:?}")));
        if text.len() > MAX_BYTES {
            return Err(InvalidIdentity::NotAnSvid(format!("its uri is over {MAX_BYTES} bytes")));
        }
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return refuse("the scheme is not spiffe");
        };
        let Some((trust_domain, path)) = rest.split_once('/') else {
            return refuse("the path is empty");
        };
        if trust_domain.is_empty() || trust_domain.len() > MAX_TRUST_DOMAIN_BYTES {
            return refuse("the trust domain is empty or over 255 bytes");
        }
        if !trust_domain.bytes().all(is_trust_domain_byte) {
            return refuse("the trust domain has a character other than a-z, 0-9, dot, dash, underscore");
        }
        if !path.split('/').all(is_segment) {
            return refuse(
                "a path segment is empty, a dot segment or has a character other than letters, digits, dot, dash, underscore",
            );
        }
        Ok(Self { text: text.to_owned(), trust_domain_bytes: trust_domain.len() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..SCHEME.len() + self.trust_domain_bytes).unwrap_or_default()
    }
}

fn is_trust_domain_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}

fn is_segment(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(allowed)
}
