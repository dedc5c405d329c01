//! The static table, RFC 7541 appendix A.

use super::hash;
use crate::fields::Pair;
use crate::mark::Mark;

/// How many entries the static table has; the dynamic table's indices follow.
pub(super) const LEN: usize = 61;

/// One entry with everything about it worked out beforehand.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) pair: Pair<'static>,
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

/// Names and values one after the other.
static ARENA: [u8; ARENA_LEN] = arena();
const ARENA_LEN: usize = arena_len();

const fn arena_len() -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < LEN {
        sum += PAIRS[at].0.len() + PAIRS[at].1.len();
        at += 1;
    }
    sum
}

const fn arena() -> [u8; ARENA_LEN] {
    let (mut made, mut end, mut at) = ([0; ARENA_LEN], 0, 0);
    while at < LEN {
        let halves = [PAIRS[at].0.as_bytes(), PAIRS[at].1.as_bytes()];
        let mut half = 0;
        while half < 2 {
            let mut byte = 0;
            while byte < halves[half].len() {
                made[end] = halves[half][byte];
                end += 1;
                byte += 1;
            }
            half += 1;
        }
        at += 1;
    }
    made
}

const fn entries() -> [Entry; LEN] {
    const NONE: Entry =
        Entry { pair: Pair { bytes: &[], name: 0, never_indexed: false, hash: 0 }, mark: Mark::REGULAR };
    let (mut made, mut start, mut at) = ([NONE; LEN], 0, 0);
    while at < LEN {
        let (name, value) = (PAIRS[at].0.as_bytes(), PAIRS[at].1.as_bytes());
        let bytes = ARENA.split_at(start).1.split_at(name.len() + value.len()).0;
        made[at] = Entry {
            pair: Pair { bytes, name: name.len(), never_indexed: false, hash: hash::field(name, value) },
            mark: Mark::of_name(name),
        };
        start += bytes.len();
        at += 1;
    }
    made
}

/// The name at an HPACK index, for the compiler.
pub(super) const fn name(index: usize) -> &'static [u8] {
    PAIRS[index - 1].0.as_bytes()
}

/// The value at an HPACK index, for the compiler.
pub(super) const fn value(index: usize) -> &'static [u8] {
    PAIRS[index - 1].1.as_bytes()
}
