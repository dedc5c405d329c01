//! A received field section: its limits (RFC 9113 §6.5.2) and the rules of RFC 9113 §8.2 and §8.3.

use crate::fields::Pair;
use crate::limits::FAR_OVER;
use crate::mark::{Mark, NameKind};
use crate::{ConnectionError, Fields, HeaderLimit, HeaderLimits, PeerLimit};

/// Takes the fields of one block as they are decoded.
#[derive(Debug)]
pub(crate) struct Section<'f> {
    fields: &'f mut Fields,
    limits: HeaderLimits,
    bytes: u32,
    count: u32,
    over: Option<HeaderLimit>,
    facts: Facts,
}

/// What this layer must know of a section.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    seen: u8,
    has_regular: bool,
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
        Self { fields, limits, bytes: 0, count: 0, over: None, facts: Facts::default() }
    }

    /// Takes one field. Past a limit nothing is kept, but the block is read on to keep the table in step.
    ///
    /// # Errors
    /// ENHANCE_YOUR_CALM once the block is four times over a limit.
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
            return self.refuse();
        }
        self.facts.note(value, mark);
        self.fields.append(name, value, never_indexed, hash);
        Ok(())
    }

    /// The same for a field out of a table, in one piece.
    #[inline]
    pub(crate) fn add_pair(&mut self, pair: Pair<'_>, mark: Mark) -> Result<(), ConnectionError> {
        if !self.has_room(pair.bytes.len()) {
            return self.refuse();
        }
        self.facts.note(pair.value(), mark);
        self.fields.append_pair(pair);
        Ok(())
    }

    #[inline]
    fn has_room(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u32 + 32);
        self.count += 1;
        self.bytes <= self.limits.max_list_bytes && self.count <= self.limits.max_fields
    }

    #[cold]
    fn refuse(&mut self) -> Result<(), ConnectionError> {
        let limits = &self.limits;
        let bytes_over = self.bytes > limits.max_list_bytes;
        let first = if bytes_over { HeaderLimit::ListBytes } else { HeaderLimit::Fields };
        self.over.get_or_insert(first);
        if self.bytes > limits.max_list_bytes.saturating_mul(FAR_OVER)
            || self.count > limits.max_fields.saturating_mul(FAR_OVER)
        {
            return Err(ConnectionError::calm(PeerLimit::HeaderBlock, "header list four times over its limit"));
        }
        Ok(())
    }

    /// The limit that was passed, if any.
    pub(crate) fn over(&self) -> Option<HeaderLimit> {
        self.over
    }

    /// What was learnt on the way.
    pub(crate) fn facts(&self) -> Facts {
        self.facts
    }
}

// === impl Facts ===

impl Facts {
    #[inline]
    fn note(&mut self, value: &[u8], mark: Mark) {
        if mark.bad_value {
            self.blame("field value with NUL, CR or LF");
        }
        if mark.kind == NameKind::Regular {
            self.has_regular = true;
            return;
        }
        self.note_special(value, mark.kind);
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
            NameKind::Te => {
                self.has_regular = true;
                self.require(value.eq_ignore_ascii_case(b"trailers"), "te other than trailers");
            }
            NameKind::ConnectionSpecific => self.blame("connection-specific field"),
            NameKind::UnknownPseudo => self.blame("unknown pseudo-header"),
            NameKind::Invalid => self.blame("invalid field name"),
        }
    }

    /// Checks the section as a whole: the pseudo-headers that must and must not be there.
    pub(crate) fn check(&self, expected: Expected) -> Result<(), &'static str> {
        if let Some(cause) = self.malformed {
            return Err(cause);
        }
        match expected {
            Expected::Request => self.check_request(),
            Expected::Response if self.seen == STATUS => Ok(()),
            Expected::Response if self.seen & STATUS == 0 => Err("response without :status"),
            Expected::Response => Err("request pseudo-header in a response"),
            Expected::Trailers if self.seen == 0 => Ok(()),
            Expected::Trailers => Err("pseudo-header in trailers"),
        }
    }

    /// RFC 9113 §8.3.1, and §8.5 for CONNECT.
    fn check_request(&self) -> Result<(), &'static str> {
        const WHOLE: u8 = METHOD | SCHEME | PATH;
        if self.seen & STATUS != 0 {
            return Err(":status in a request");
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
