//! The life of each stream as events and written frames tell it: nothing out of turn, nothing after the end.

use std::collections::BTreeMap;

use tulle_http2::{HeadersKind, Role, StreamId, Token};

use crate::hand::{DATA, END_STREAM, Frame, HEADERS, RST_STREAM};
use crate::seen::Seen;

/// A stream that lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) id: StreamId,
    token: Token,
    has_head: bool,
    remote_ended: bool,
    local_ended: bool,
    /// DATA that was told and not yet released.
    pub(crate) unreleased: i64,
}

/// How a stream went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// Ended by both, or reset by the peer.
    Done,
    /// Reset by us.
    Cut,
}

/// All streams of a connection.
#[derive(Debug)]
pub(crate) struct Order {
    role: Role,
    live: BTreeMap<u32, Live>,
    gone: BTreeMap<u32, Gone>,
    highest: u32,
}

// === impl Order ===

impl Order {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, live: BTreeMap::new(), gone: BTreeMap::new(), highest: 0 }
    }

    pub(crate) fn active(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Live> {
        self.live.values()
    }

    /// A stream of ours (client).
    pub(crate) fn opened(&mut self, id: StreamId, token: Token) {
        assert!(id.get() > self.highest && id.get() % 2 == 1);
        self.highest = id.get();
        self.live.insert(id.get(), Live::new(id, token));
    }

    pub(crate) fn set_token(&mut self, id: StreamId, token: Token) {
        if let Some(live) = self.live.get_mut(&id.get()) {
            live.token = token;
        }
    }

    pub(crate) fn released(&mut self, id: StreamId, bytes: u32) {
        if let Some(live) = self.live.get_mut(&id.get()) {
            live.unreleased = (live.unreleased - i64::from(bytes)).max(0);
        }
    }

    /// One event more.
    pub(crate) fn note(&mut self, seen: &Seen) {
        match seen {
            Seen::Headers { stream, token, kind, end, list } => {
                assert!(!list.is_empty() || *kind == HeadersKind::Trailers, "a head without a field");
                self.headers(*stream, *token, *kind, *end);
            }
            Seen::HeadersRefused { stream, token, end } => self.headers_refused(*stream, *token, *end),
            Seen::Data { stream, token, bytes, end } => {
                let live = self.expect_live(*stream, *token);
                assert!(live.has_head && !live.remote_ended, "DATA of {stream:?} out of turn");
                assert!(!bytes.is_empty() || *end, "an event of nothing");
                live.unreleased += bytes.len() as i64;
                self.end_remote(*stream, *end);
            }
            Seen::Reset { stream, token, .. } | Seen::Refused { stream, token } => {
                self.expect_live(*stream, *token);
                self.close(*stream, Gone::Done);
            }
            Seen::StreamError { stream, token, .. } => self.stream_error(*stream, *token),
            Seen::GoAway { .. } | Seen::Pong(_) | Seen::Settings => {}
        }
    }

    fn headers(&mut self, id: StreamId, token: Token, kind: HeadersKind, end: bool) {
        match kind {
            HeadersKind::Request => self.request(id, token),
            HeadersKind::Response => {
                let live = self.expect_live(id, token);
                assert!(!live.has_head, "a second head");
                live.has_head = true;
            }
            HeadersKind::Informational => {
                assert!(!end && !self.expect_live(id, token).has_head, "1xx out of turn");
            }
            HeadersKind::Trailers => {
                let live = self.expect_live(id, token);
                assert!(end && live.has_head && !live.remote_ended, "trailers out of turn");
            }
        }
        self.end_remote(id, end);
    }

    fn request(&mut self, id: StreamId, token: Token) {
        assert!(self.role == Role::Server && id.get() > self.highest && id.get() % 2 == 1, "{id:?} was not to come");
        assert_eq!(token, Token::NONE);
        self.highest = id.get();
        self.live.insert(id.get(), Live { has_head: true, ..Live::new(id, token) });
    }

    fn headers_refused(&mut self, id: StreamId, token: Token, end: bool) {
        if self.role == Role::Server && id.get() > self.highest {
            self.request(id, token);
        } else {
            self.expect_live(id, token).has_head = true;
        }
        self.end_remote(id, end);
    }

    fn stream_error(&mut self, id: StreamId, token: Token) {
        if self.live.contains_key(&id.get()) {
            self.expect_live(id, token);
            self.close(id, Gone::Cut);
            return;
        }
        assert_eq!(token, Token::NONE, "{id:?} is none that the caller knows");
        assert_ne!(self.gone.get(&id.get()), Some(&Gone::Cut), "an event after our reset of {id:?}");
        self.highest = self.highest.max(id.get());
        self.gone.entry(id.get()).or_insert(Gone::Cut);
    }

    fn expect_live(&mut self, id: StreamId, token: Token) -> &mut Live {
        let live = self.live.get_mut(&id.get()).expect("an event of a stream that is gone");
        assert_eq!(live.token, token, "{id:?} has another handle");
        live
    }

    fn end_remote(&mut self, id: StreamId, end: bool) {
        let Some(live) = self.live.get_mut(&id.get()).filter(|_| end) else { return };
        live.remote_ended = true;
        if live.local_ended {
            self.close(id, Gone::Done);
        }
    }

    fn close(&mut self, id: StreamId, how: Gone) {
        self.live.remove(&id.get());
        self.gone.insert(id.get(), how);
    }

    /// The codec has written a frame.
    pub(crate) fn codec_wrote(&mut self, frame: &Frame) {
        let Some(live) = self.live.get_mut(&frame.stream) else {
            assert!(!matches!(frame.kind, DATA | HEADERS), "{frame:?} on a stream that is gone");
            return;
        };
        assert!(!live.local_ended || frame.kind != DATA && frame.kind != HEADERS, "{frame:?} after our end");
        let id = live.id;
        if frame.kind == RST_STREAM {
            self.close(id, Gone::Cut);
        } else if matches!(frame.kind, DATA | HEADERS) && frame.has(END_STREAM) {
            live.local_ended = true;
            if live.remote_ended {
                self.close(id, Gone::Done);
            }
        }
    }
}

// === impl Live ===

impl Live {
    fn new(id: StreamId, token: Token) -> Self {
        Self { id, token, has_head: false, remote_ended: false, local_ended: false, unreleased: 0 }
    }

    pub(crate) fn may_receive(&self) -> bool {
        !self.remote_ended
    }
}
