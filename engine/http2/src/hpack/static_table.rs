//! The static table, RFC 7541 appendix A.

use super::hash;
use crate::mark::Mark;

/// How many entries the static table has; the dynamic table's indices follow.
pub(super) const LEN: usize = 61;

/// One entry with everything about it worked out beforehand.
pub(super) struct Entry {
    pub(super) name: &'static [u8],
    pub(super) value: &'static [u8],
    pub(super) hash: u32,
    pub(super) mark: Mark,
}

/// The entries; HPACK's index less one.
pub(super) static ENTRIES: [Entry; LEN] = entries();

const PAIRS: [(&str, &str); LEN] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

pub(super) const fn entries() -> [Entry; LEN] {
    let mut made = [const { Entry { name: &[], value: &[], hash: 0, mark: Mark::REGULAR } }; LEN];
    let mut at = 0;
    while at < LEN {
        let (name, value) = (PAIRS[at].0.as_bytes(), PAIRS[at].1.as_bytes());
        made[at] = Entry { name, value, hash: hash::field(name, value), mark: Mark::of_name(name) };
        at += 1;
    }
    made
}
