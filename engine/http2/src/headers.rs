//! A received field section: its limits (RFC 9113 §6.5.2) and the rules of RFC 9113 §8.2 and §8.3.

use crate::fields::Pair;
use crate::mark::{Mark, NameKind, ValueFault};
use crate::{ConnectionError, Exceeded, Fields, HeaderLimit, HeaderLimits, PeerLimit};

/// Longest status message that is kept of a section over its limit.
const MOST_MESSAGE: usize = 1_024;

/// Takes the fields of one block as they are decoded.
#[derive(Debug)]
pub(crate) struct Section<'f> {
    fields: &'f mut Fields,
    limits: HeaderLimits,
    tally: Tally,
}

/// What has come of a section so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    bytes: u32,
    count: u32,
    over: Option<HeaderLimit>,
    /// What was learnt on the way.
    pub(crate) facts: Facts,
}

/// What this layer must know of a section.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    seen: u8,
    has_regular: bool,
    has_host: bool,
    is_connect: bool,
    /// The method was HEAD.
    pub(crate) is_head: bool,
    /// The status' number, 0 where there was none.
    pub(crate) status: u16,
    /// The content-length told.
    pub(crate) content_length: Option<u64>,
    malformed: Option<&'static str>,
}

/// The section that may come next on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Request,
    Response,
    Trailers,
}

const METHOD: u8 = 1;
const SCHEME: u8 = 2;
const PATH: u8 = 4;
const AUTHORITY: u8 = 8;
const STATUS: u8 = 16;

// === impl Section ===

impl<'f> Section<'f> {
    /// Clears `fields` and fills it while `limits` allow.
    pub(crate) fn new(fields: &'f mut Fields, limits: HeaderLimits) -> Self {
        fields.clear();
        Self { fields, limits, tally: Tally::default() }
    }

    /// Goes on with a section of which a part has come.
    pub(crate) fn resume(fields: &'f mut Fields, limits: HeaderLimits, tally: Tally) -> Self {
        Self { fields, limits, tally }
    }

    /// Takes one field. Past a limit nothing is kept but the gRPC status, but the block is read on to keep the table in
    /// step.
    ///
    /// # Errors
    /// ENHANCE_YOUR_CALM once there are more fields than [`HeaderLimits::max_block_fields`].
    #[inline]
    pub(crate) fn add(
        &mut self,
        name: &[u8],
        value: &[u8],
        mark: Mark,
        hash: u32,
        never_indexed: bool,
    ) -> Result<(), ConnectionError> {
        if !self.has_room(name.len() + value.len()) {
            return self.refuse(name, value);
        }
        self.tally.facts.note(value, mark);
        self.fields.append(name, value, never_indexed, hash);
        Ok(())
    }

    /// The same for a field out of a table, in one piece.
    #[inline]
    pub(crate) fn add_pair(&mut self, pair: Pair<'_>, mark: Mark) -> Result<(), ConnectionError> {
        if !self.has_room(pair.bytes.len()) {
            return self.refuse(pair.name(), pair.value());
        }
        self.tally.facts.note(pair.value(), mark);
        self.fields.append_pair(pair);
        Ok(())
    }

    /// The same for a field whose value is longer than [`Self::longest_string`], of which `start` is the beginning.
    pub(crate) fn add_long(&mut self, name: &[u8], start: &[u8], length: usize) -> Result<(), ConnectionError> {
        self.has_room(name.len() + length);
        self.refuse(name, start)
    }

    /// Encoded bytes of a string beyond which it fits neither the list, however it is encoded, nor the table.
    pub(crate) fn longest_string(&self, table: u32) -> usize {
        // No code of HPACK's has more than 30 bits.
        self.limits.max_list_bytes.max(table) as usize * 30 / 8
    }

    #[inline]
    fn has_room(&mut self, bytes: usize) -> bool {
        let Self { limits, tally, .. } = self;
        tally.bytes = tally.bytes.saturating_add(bytes as u32 + 32);
        tally.count += 1;
        tally.bytes <= limits.max_list_bytes && tally.count <= limits.max_fields
    }

    #[cold]
    fn refuse(&mut self, name: &[u8], value: &[u8]) -> Result<(), ConnectionError> {
        if self.tally.over.is_none() {
            let bytes_over = self.tally.bytes > self.limits.max_list_bytes;
            self.tally.over = Some(if bytes_over { HeaderLimit::ListBytes } else { HeaderLimit::Fields });
            self.fields.retain(|field| is_status(field.name));
        }
        if self.tally.count > self.limits.max_block_fields {
            return Err(ConnectionError::calm(PeerLimit::HeaderBlock, "header block of far too many fields"));
        }
        if is_status(name) && self.fields.get(name).is_none() {
            self.fields.push(name, shortened(value));
        }
        Ok(())
    }

    /// What has come so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }
}

/// What names an application's own outcome, and is kept for whoever tells of a section over a limit.
fn is_status(name: &[u8]) -> bool {
    matches!(name, b"grpc-status" | b"grpc-message")
}

/// At most [`MOST_MESSAGE`] bytes, not cut within a percent-encoded byte.
fn shortened(value: &[u8]) -> &[u8] {
    let Some(kept) = value.get(..MOST_MESSAGE) else { return value };
    let tail = kept.len() - 2;
    match kept[tail..].iter().position(|&byte| byte == b'%') {
        Some(at) => &kept[..tail + at],
        None => kept,
    }
}

// === impl Tally ===

impl Tally {
    /// The limit that was passed, if any.
    #[inline]
    pub(crate) fn exceeded(&self, limits: &HeaderLimits) -> Option<Exceeded> {
        let limit = self.over?;
        let (seen, most) = match limit {
            HeaderLimit::ListBytes => (self.bytes, limits.max_list_bytes),
            HeaderLimit::Fields => (self.count, limits.max_fields),
        };
        Some(Exceeded { limit, seen, most })
    }
}

// === impl Facts ===

impl Facts {
    pub(crate) const UNLIKE_HOST: &'static str = ":authority and Host name two hosts";

    #[inline]
    pub(crate) fn note(&mut self, value: &[u8], mark: Mark) {
        if let Some(fault) = mark.fault {
            self.blame_value(fault);
        }
        if mark.kind == NameKind::Regular {
            self.has_regular = true;
            return;
        }
        self.note_special(value, mark.kind);
    }

    #[cold]
    fn blame_value(&mut self, fault: ValueFault) {
        self.blame(fault.rule());
    }

    fn note_special(&mut self, value: &[u8], kind: NameKind) {
        match kind {
            NameKind::Regular => {}
            NameKind::Method => {
                self.pseudo(METHOD);
                self.is_connect = value == b"CONNECT";
                self.is_head = value == b"HEAD";
                self.require(!value.is_empty(), "empty :method");
            }
            NameKind::Scheme => {
                self.pseudo(SCHEME);
                self.require(!value.is_empty(), "empty :scheme");
            }
            NameKind::Path => {
                self.pseudo(PATH);
                self.require(value.first() == Some(&b'/') || value == b"*", ":path without a leading slash");
            }
            NameKind::Authority => self.pseudo(AUTHORITY),
            NameKind::Status => {
                self.pseudo(STATUS);
                self.note_status(value);
            }
            NameKind::ContentLength => {
                self.has_regular = true;
                self.note_content_length(value);
            }
            NameKind::Host => {
                self.has_regular = true;
                self.has_host = true;
            }
            NameKind::Te => {
                self.has_regular = true;
                self.require(value.eq_ignore_ascii_case(b"trailers"), "te other than trailers");
            }
            NameKind::ConnectionSpecific => self.blame("connection-specific field"),
            NameKind::UnknownPseudo => self.blame("unknown pseudo-header"),
            NameKind::Invalid => self.blame("invalid field name"),
        }
    }

    pub(crate) fn is_malformed(&self) -> bool {
        self.malformed.is_some()
    }

    /// Checks the section as a whole: the pseudo-headers that must and must not be there.
    #[inline]
    pub(crate) fn check(&self, expected: Expected, fields: &Fields) -> Result<(), &'static str> {
        if let Some(cause) = self.malformed {
            return Err(cause);
        }
        match expected {
            Expected::Request => self.check_request(fields),
            Expected::Response if self.seen == STATUS => Ok(()),
            Expected::Response if self.seen & STATUS == 0 => Err("response without :status"),
            Expected::Response => Err("request pseudo-header in a response"),
            Expected::Trailers if self.seen == 0 => Ok(()),
            Expected::Trailers => Err("pseudo-header in trailers"),
        }
    }

    /// RFC 9113 §8.3.1, and §8.5 for CONNECT.
    fn check_request(&self, fields: &Fields) -> Result<(), &'static str> {
        const WHOLE: u8 = METHOD | SCHEME | PATH;
        if self.seen & STATUS != 0 {
            return Err(":status in a request");
        }
        if self.has_host && !is_one_host(fields) {
            return Err(Self::UNLIKE_HOST);
        }
        if self.is_connect {
            let right = self.seen == METHOD | AUTHORITY;
            return if right { Ok(()) } else { Err("CONNECT with other than :method and :authority") };
        }
        if self.seen & WHOLE == WHOLE { Ok(()) } else { Err("request without :method, :scheme or :path") }
    }

    fn pseudo(&mut self, which: u8) {
        self.require(!self.has_regular, "pseudo-header after a regular field");
        self.require(self.seen & which == 0, "pseudo-header given twice");
        self.seen |= which;
    }

    fn note_status(&mut self, value: &[u8]) {
        match *value {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte - b'0');
                self.status = digit(a) * 100 + digit(b) * 10 + digit(c);
                // RFC 9113 §8.6: there is no switching of protocols.
                self.require(self.status != 101, "status 101 in HTTP/2");
            }
            _ => self.blame(":status of other than three digits"),
        }
    }

    fn note_content_length(&mut self, value: &[u8]) {
        let Some(length) = digits(value) else { return self.blame("content-length is no number") };
        let same = self.content_length.is_none_or(|before| before == length);
        self.require(same, "content-length given twice, unequal");
        self.content_length = Some(length);
    }

    fn require(&mut self, good: bool, cause: &'static str) {
        if !good {
            self.blame(cause);
        }
    }

    /// The first cause stays.
    fn blame(&mut self, cause: &'static str) {
        self.malformed.get_or_insert(cause);
    }
}

fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 18 {
        return None;
    }
    value.iter().try_fold(0u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// Whether `:authority` and each Host name the same, as RFC 9113 §8.3.1 wants it: letter case and the scheme's own port
/// make no difference.
fn is_one_host(fields: &Fields) -> bool {
    let scheme = fields.get(b":scheme").unwrap_or_default();
    let mut hosts = fields.iter().filter(|field| matches!(field.name, b":authority" | b"host"));
    let first = hosts.next().map(|field| without_default_port(field.value, scheme)).unwrap_or_default();
    hosts.all(|field| without_default_port(field.value, scheme).eq_ignore_ascii_case(first))
}

fn without_default_port<'v>(value: &'v [u8], scheme: &[u8]) -> &'v [u8] {
    let port: &[u8] = if scheme.eq_ignore_ascii_case(b"https") { b":443" } else { b":80" };
    value.strip_suffix(port).unwrap_or(value)
}
