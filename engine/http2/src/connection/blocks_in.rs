//! HEADERS and CONTINUATION, RFC 9113 §6.2 and §6.10: from header blocks to events.

use std::time::Instant;

use super::Connection;
use crate::block::{Block, Parent};
use crate::fault::Fault;
use crate::flow::{ReceiveWindow, SendWindow};
use crate::frame::{self, Head};
use crate::headers::{Expected, Section, Tally};
use crate::stream::Half;
use crate::streams::{Closing, Found};
use crate::{ConnectionError, ErrorCode, Event, Exceeded, Fields, HeadersKind, Role, StreamId, Token};

/// A decoded block: where it belongs and what it came to.
#[derive(Clone, Copy)]
struct Decoded {
    stream: u32,
    ends: bool,
    tally: Tally,
}

/// A client that opens a stream again whose end it has both told and been told (RFC 9113 §5.1, closed, and §5.1.1). A
/// server that speaks on costs itself a stream error: the connection carries the calls of others too.
const USED_AGAIN: ConnectionError =
    ConnectionError::new(ErrorCode::STREAM_CLOSED, "request on a stream that both sides ended");

type Outcome = Result<(), ConnectionError>;
type Slot<'s, 'e> = &'s mut Option<Event<'e>>;

// === impl Connection ===

impl Connection {
    pub(super) fn on_headers(
        &mut self,
        head: Head,
        payload: &[u8],
        fields: &mut Fields,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        if head.stream == 0 {
            return Err(ConnectionError::protocol("HEADERS on stream 0"));
        }
        let fragment = fragment(head, payload)?;
        let ends = head.has(frame::END_STREAM);
        let parent = if head.has(frame::WITH_PRIORITY) { parent(head, payload) } else { Parent::Other };
        if !head.has(frame::END_HEADERS) {
            let mut block = Box::new(Block::new(head.stream, ends, parent, now));
            block.take(fragment, &mut self.decoder, &self.config.header_limits)?;
            self.block = Some(block);
            return Ok(());
        }
        // Decoded first, whatever the stream: the table must stay in step (engine.md, trap 4).
        let mut section = Section::new(fields, self.config.header_limits);
        self.decoder.decode(fragment, &mut section)?;
        let decoded = Decoded { stream: head.stream, ends, tally: section.tally() };
        self.on_block(&decoded, parent, fields, now, event)
    }

    pub(super) fn on_continuation(
        &mut self,
        head: Head,
        payload: &[u8],
        fields: &mut Fields,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        let Some(mut block) = self.block.take() else {
            return Err(ConnectionError::protocol("CONTINUATION without HEADERS"));
        };
        let limits = &self.config.header_limits;
        block.count_continuation(payload, limits)?;
        block.take(payload, &mut self.decoder, limits)?;
        if !head.has(frame::END_HEADERS) {
            self.block = Some(block);
            return Ok(());
        }
        block.finish(&mut self.decoder, limits)?;
        std::mem::swap(fields, &mut block.fields);
        let decoded = Decoded { stream: block.stream, ends: block.ends_stream, tally: block.tally };
        self.on_block(&decoded, block.parent, fields, now, event)
    }

    #[inline]
    fn on_block(
        &mut self,
        decoded: &Decoded,
        parent: Parent,
        fields: &mut Fields,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        self.on_decoded(decoded, fields, now, event)?;
        match parent {
            Parent::Other => Ok(()),
            Parent::Itself => self.on_own_parent(decoded.stream, now, event),
        }
    }

    /// A stream that depends on itself is reset, once its block is in the table.
    #[cold]
    fn on_own_parent(&mut self, stream: u32, now: Instant, event: Slot<'_, '_>) -> Outcome {
        let Some(slot) = self.streams.live(stream) else { return Ok(()) };
        self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, frame::OWN_PARENT, now, event)
    }

    fn on_decoded(&mut self, decoded: &Decoded, fields: &Fields, now: Instant, event: Slot<'_, '_>) -> Outcome {
        let stream = decoded.stream;
        match self.find(stream) {
            Found::Live(slot) => self.on_section(slot, decoded, fields, now, event),
            Found::Never if self.config.role == Role::Server && stream > self.highest => {
                self.on_request(decoded, fields, now, event)
            }
            Found::Never => Err(ConnectionError::protocol("HEADERS on a stream that may not be opened")),
            Found::Gone(Closing::Ended) if self.config.role == Role::Server => Err(USED_AGAIN),
            Found::Gone(Closing::Ended | Closing::Reset) => self.closed_error(stream, now, event),
            Found::Gone(Closing::Cut | Closing::Refused) | Found::Forgotten => self.floods.useless(now),
        }
    }

    fn on_request(&mut self, decoded: &Decoded, fields: &Fields, now: Instant, event: Slot<'_, '_>) -> Outcome {
        if decoded.stream.is_multiple_of(2) {
            return Err(ConnectionError::protocol("request on an even stream"));
        }
        self.highest = decoded.stream;
        if self.going_away.ignores(decoded.stream) {
            self.streams.insert_gone(decoded.stream, Closing::Cut);
            return Ok(());
        }
        if self.streams.len() >= self.config.max_concurrent_streams as usize {
            self.refuse(decoded.stream, event);
            return Ok(());
        }
        let slot = self.begin_request(decoded, now);
        if let Some(limit) = decoded.tally.exceeded(&self.config.header_limits) {
            self.over_limit(slot, limit, decoded.ends, event);
            return Ok(());
        }
        if let Err(rule) = decoded.tally.facts.check(Expected::Request, fields) {
            return self.malformed(slot, fields, Expected::Request, rule, now, event);
        }
        self.finish_section(slot, HeadersKind::Request, decoded, now, event)
    }

    fn begin_request(&mut self, decoded: &Decoded, now: Instant) -> u32 {
        self.floods.opened();
        let slot = self.streams.insert(decoded.stream);
        let send = SendWindow::new(self.peer.window);
        let receive = ReceiveWindow::new(self.stream_window);
        let stream = self.streams.get_mut(slot);
        stream.begin(decoded.stream, Token::NONE, send, receive);
        stream.has_head = true;
        stream.content_left = decoded.tally.facts.content_length;
        stream.opened = Some(now);
        slot
    }

    /// A response head, a 1xx head or trailers.
    fn on_section(
        &mut self,
        slot: u32,
        decoded: &Decoded,
        fields: &Fields,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        let stream = self.streams.get_mut(slot);
        if stream.remote == Half::Ended {
            return self.stream_error(slot, ErrorCode::STREAM_CLOSED, "HEADERS after the end", now, event);
        }
        let expected = if stream.has_head { Expected::Trailers } else { Expected::Response };
        if let Some(limit) = decoded.tally.exceeded(&self.config.header_limits) {
            stream.has_head = true;
            self.over_limit(slot, limit, decoded.ends, event);
            return Ok(());
        }
        if let Err(rule) = decoded.tally.facts.check(expected, fields) {
            return self.malformed(slot, fields, expected, rule, now, event);
        }
        if expected == Expected::Response {
            return self.on_response(slot, decoded, now, event);
        }
        if !decoded.ends {
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, "trailers without an end", now, event);
        }
        self.finish_section(slot, HeadersKind::Trailers, decoded, now, event)
    }

    fn on_response(&mut self, slot: u32, decoded: &Decoded, now: Instant, event: Slot<'_, '_>) -> Outcome {
        if decoded.tally.facts.status < 200 {
            if decoded.ends {
                return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, "1xx response with an end", now, event);
            }
            return self.finish_section(slot, HeadersKind::Informational, decoded, now, event);
        }
        let stream = self.streams.get_mut(slot);
        stream.has_head = true;
        // 204 and 304 have no content whatever their content-length tells (RFC 9110 §8.6).
        let has_content = !matches!(decoded.tally.facts.status, 204 | 304);
        stream.content_left = decoded.tally.facts.content_length.filter(|_| has_content);
        self.finish_section(slot, HeadersKind::Response, decoded, now, event)
    }

    fn finish_section(
        &mut self,
        slot: u32,
        kind: HeadersKind,
        decoded: &Decoded,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        let stream = self.streams.get_mut(slot);
        if decoded.ends && !stream.may_end() {
            let cause = "end before the content that content-length told";
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, cause, now, event);
        }
        *event =
            Some(Event::Headers { stream: StreamId(stream.id), token: stream.token, kind, end_stream: decoded.ends });
        if decoded.ends {
            self.streams.end_remote(slot);
        }
        Ok(())
    }

    /// The section broke a rule: says which field did.
    #[cold]
    fn malformed(
        &mut self,
        slot: u32,
        fields: &Fields,
        expected: Expected,
        rule: &'static str,
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        let stream = self.streams.get(slot).id;
        self.fault = Some(Box::new(Fault::find(stream, fields, expected, rule)));
        self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, rule, now, event)
    }

    fn over_limit(&mut self, slot: u32, limit: Exceeded, ends: bool, event: Slot<'_, '_>) {
        let stream = self.streams.get_mut(slot);
        *event =
            Some(Event::HeadersRefused { stream: StreamId(stream.id), token: stream.token, limit, end_stream: ends });
        // Its content-length may be among what was not kept.
        stream.content_left = None;
        if ends {
            self.streams.end_remote(slot);
        }
    }

    /// One stream too many. Refusals are no flood of their own: a burst before our SETTINGS arrived is honest, and
    /// whoever does not read the refusals is found by the output's bound.
    #[cold]
    fn refuse(&mut self, stream: u32, event: Slot<'_, '_>) {
        self.floods.opened();
        self.streams.insert_gone(stream, Closing::Refused);
        self.output.forced_reset(stream, ErrorCode::REFUSED_STREAM);
        *event = Some(Event::StreamError {
            stream: StreamId(stream),
            token: Token::NONE,
            code: ErrorCode::REFUSED_STREAM,
            cause: "over the limit of concurrent streams",
        });
    }
}

/// The fragment without padding and priority.
fn fragment(head: Head, payload: &[u8]) -> Result<&[u8], ConnectionError> {
    const SHORT: ConnectionError = ConnectionError::frame_size("HEADERS shorter than its flags tell");
    let mut rest = payload;
    let mut padding = 0;
    if head.has(frame::PADDED) {
        let (&length, after) = rest.split_first().ok_or(SHORT)?;
        padding = usize::from(length);
        rest = after;
    }
    if head.has(frame::WITH_PRIORITY) {
        rest = rest.get(5..).ok_or(SHORT)?;
    }
    let kept = rest.len().checked_sub(padding).ok_or(ConnectionError::protocol("padding longer than its frame"))?;
    Ok(&rest[..kept])
}

/// The stream that a HEADERS frame with a priority depends on.
#[cold]
fn parent(head: Head, payload: &[u8]) -> Parent {
    let priority = &payload[usize::from(head.has(frame::PADDED))..];
    match priority.first_chunk() {
        Some(priority) if frame::parent(priority) == head.stream => Parent::Itself,
        _ => Parent::Other,
    }
}
