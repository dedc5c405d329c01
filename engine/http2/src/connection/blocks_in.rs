//! HEADERS and CONTINUATION, RFC 9113 §6.2 and §6.10: from header blocks to events.

use std::time::Instant;

use super::Connection;
use crate::block::Block;
use crate::flow::{ReceiveWindow, SendWindow};
use crate::frame::{self, Head};
use crate::headers::{Expected, Facts, Section};
use crate::stream::Half;
use crate::streams::{Closing, Found};
use crate::{ConnectionError, ErrorCode, Event, Fields, HeaderLimit, HeadersKind, Role, StreamId, Token};

/// A decoded block: where it belongs and what it came to.
#[derive(Clone, Copy)]
struct Decoded {
    stream: u32,
    ends: bool,
    over: Option<HeaderLimit>,
    facts: Facts,
}

type Outcome = Result<Option<Event<'static>>, ConnectionError>;

// === impl Connection ===

impl Connection {
    pub(super) fn on_headers(&mut self, head: Head, payload: &[u8], fields: &mut Fields, now: Instant) -> Outcome {
        if head.stream == 0 {
            return Err(ConnectionError::protocol("HEADERS on stream 0"));
        }
        let fragment = fragment(head, payload)?;
        let ends = head.has(frame::END_STREAM);
        if head.has(frame::END_HEADERS) {
            return self.on_block(head.stream, ends, fragment, fields, now);
        }
        self.block = Some(Block::new(head.stream, ends, fragment, now));
        Ok(None)
    }

    pub(super) fn on_continuation(&mut self, head: Head, payload: &[u8], fields: &mut Fields, now: Instant) -> Outcome {
        let Some(mut block) = self.block.take() else {
            return Err(ConnectionError::protocol("CONTINUATION without HEADERS"));
        };
        block.extend(payload, &self.config.header_limits)?;
        if head.has(frame::END_HEADERS) {
            return self.on_block(block.stream, block.ends_stream, &block.bytes, fields, now);
        }
        self.block = Some(block);
        Ok(None)
    }

    /// Decodes first, whatever the stream: the table must stay in step (engine.md, trap 4).
    fn on_block(&mut self, stream: u32, ends: bool, block: &[u8], fields: &mut Fields, now: Instant) -> Outcome {
        let mut section = Section::new(fields, self.config.header_limits);
        self.decoder.decode(block, &mut section)?;
        let decoded = Decoded { stream, ends, over: section.over(), facts: section.facts() };
        match self.find(stream) {
            Found::Live(slot) => self.on_section(slot, decoded, now),
            Found::Never if self.config.role == Role::Server && stream > self.highest => self.on_request(decoded, now),
            Found::Never => Err(ConnectionError::protocol("HEADERS on a stream that may not be opened")),
            Found::Gone(Closing::Done) => self.closed_error(stream, now),
            Found::Gone(Closing::Cut) | Found::Forgotten => Ok(None),
        }
    }

    fn on_request(&mut self, decoded: Decoded, now: Instant) -> Outcome {
        if decoded.stream.is_multiple_of(2) {
            return Err(ConnectionError::protocol("request on an even stream"));
        }
        self.highest = decoded.stream;
        if self.going_away.ignores(decoded.stream) {
            self.streams.insert_gone(decoded.stream, Closing::Cut);
            return Ok(None);
        }
        if self.streams.len() >= self.config.max_concurrent_streams as usize {
            return Ok(Some(self.refuse(decoded.stream)));
        }
        let slot = self.begin_request(decoded, now);
        if let Some(limit) = decoded.over {
            return Ok(Some(self.over_limit(slot, limit, decoded.ends)));
        }
        if let Err(cause) = decoded.facts.check(Expected::Request) {
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, cause, now);
        }
        self.finish_section(slot, HeadersKind::Request, decoded, now)
    }

    fn begin_request(&mut self, decoded: Decoded, now: Instant) -> u32 {
        self.floods.opened();
        let slot = self.streams.insert(decoded.stream);
        let send = SendWindow::new(self.peer.window);
        let receive = ReceiveWindow::new(self.stream_window);
        let stream = self.streams.get_mut(slot);
        stream.begin(decoded.stream, Token::NONE, send, receive);
        stream.has_head = true;
        stream.content_left = decoded.facts.content_length;
        stream.opened = Some(now);
        slot
    }

    /// A response head, a 1xx head or trailers.
    fn on_section(&mut self, slot: u32, decoded: Decoded, now: Instant) -> Outcome {
        let stream = self.streams.get_mut(slot);
        if stream.remote == Half::Ended {
            return self.stream_error(slot, ErrorCode::STREAM_CLOSED, "HEADERS after the end", now);
        }
        let expected = if stream.has_head { Expected::Trailers } else { Expected::Response };
        if let Some(limit) = decoded.over {
            stream.has_head = true;
            return Ok(Some(self.over_limit(slot, limit, decoded.ends)));
        }
        if let Err(cause) = decoded.facts.check(expected) {
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, cause, now);
        }
        if expected == Expected::Response {
            return self.on_response(slot, decoded, now);
        }
        if !decoded.ends {
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, "trailers without an end", now);
        }
        self.finish_section(slot, HeadersKind::Trailers, decoded, now)
    }

    fn on_response(&mut self, slot: u32, decoded: Decoded, now: Instant) -> Outcome {
        if decoded.facts.status < 200 {
            if decoded.ends {
                return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, "1xx response with an end", now);
            }
            return self.finish_section(slot, HeadersKind::Informational, decoded, now);
        }
        let stream = self.streams.get_mut(slot);
        stream.has_head = true;
        // 204 and 304 have no content whatever their content-length tells (RFC 9110 §8.6).
        let has_content = !matches!(decoded.facts.status, 204 | 304);
        stream.content_left = decoded.facts.content_length.filter(|_| has_content);
        self.finish_section(slot, HeadersKind::Response, decoded, now)
    }

    fn finish_section(&mut self, slot: u32, kind: HeadersKind, decoded: Decoded, now: Instant) -> Outcome {
        let stream = self.streams.get_mut(slot);
        if decoded.ends && !stream.may_end() {
            let cause = "end before the content that content-length told";
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, cause, now);
        }
        let event = Event::Headers { stream: StreamId(stream.id), token: stream.token, kind, end_stream: decoded.ends };
        if decoded.ends {
            self.streams.end_remote(slot);
        }
        Ok(Some(event))
    }

    fn over_limit(&mut self, slot: u32, limit: HeaderLimit, ends: bool) -> Event<'static> {
        let stream = self.streams.get_mut(slot);
        let event = Event::HeadersRefused { stream: StreamId(stream.id), token: stream.token, limit, end_stream: ends };
        // Its content-length may be among what was not kept.
        stream.content_left = None;
        if ends {
            self.streams.end_remote(slot);
        }
        event
    }

    /// One stream too many. Refusals are no flood of their own: a burst before our SETTINGS arrived is honest, and
    /// whoever does not read the refusals is found by the output's bound.
    fn refuse(&mut self, stream: u32) -> Event<'static> {
        self.streams.insert_gone(stream, Closing::Cut);
        self.output.rst_stream(stream, ErrorCode::REFUSED_STREAM);
        Event::StreamError {
            stream: StreamId(stream),
            token: Token::NONE,
            code: ErrorCode::REFUSED_STREAM,
            cause: "over the limit of concurrent streams",
        }
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
