//! Frames without content: RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, PRIORITY (RFC 9113 §6.3 to §6.9).

use std::time::Instant;

use super::Connection;
use crate::frame::{self, Head};
use crate::settings::{MOST_WINDOW, PeerSettings};
use crate::streams::{Closing, Found};
use crate::{ConnectionError, ErrorCode, Event, Role, StreamId, Token};

type Outcome = Result<(), ConnectionError>;
type Slot<'s, 'e> = &'s mut Option<Event<'e>>;

// === impl Connection ===

impl Connection {
    pub(super) fn on_reset(&mut self, head: Head, payload: &[u8], now: Instant, event: Slot<'_, '_>) -> Outcome {
        let Ok(code) = payload.try_into().map(u32::from_be_bytes) else {
            return Err(ConnectionError::frame_size("RST_STREAM of other than 4 bytes"));
        };
        let slot = match self.find(head.stream) {
            Found::Live(slot) => slot,
            Found::Never => return Err(ConnectionError::protocol("RST_STREAM on an idle stream")),
            // Whoever resets what was refused meant to reset it all along (CVE-2023-44487).
            Found::Gone(Closing::Refused) => return self.floods.reset(now, now),
            Found::Gone(_) | Found::Forgotten => return self.floods.useless(now),
        };
        let (stream, code) = (StreamId(head.stream), ErrorCode(code));
        let (token, opened) = (self.streams.get(slot).token, self.streams.get(slot).opened);
        self.forget(slot, Closing::Reset);
        if self.config.role == Role::Client && code == ErrorCode::REFUSED_STREAM {
            *event = Some(Event::Refused { stream, token });
            return Ok(());
        }
        if let Some(opened) = opened {
            self.floods.reset(now, opened)?;
        }
        *event = Some(Event::Reset { stream, token, code });
        Ok(())
    }

    pub(super) fn on_settings(&mut self, head: Head, payload: &[u8], now: Instant, event: Slot<'_, '_>) -> Outcome {
        if head.stream != 0 {
            return Err(ConnectionError::protocol("SETTINGS on a stream"));
        }
        if head.has(frame::ACK) {
            self.floods.settings(now)?;
            return self.on_settings_ack(payload);
        }
        let (settings, odd) = payload.as_chunks::<6>();
        if !odd.is_empty() {
            return Err(ConnectionError::frame_size("SETTINGS of no multiple of 6 bytes"));
        }
        self.floods.settings(now)?;
        let mut peer = self.peer;
        if !self.settings_received {
            // Our assumption ends here: a peer that names no limit has none.
            peer.max_streams = u32::MAX;
            self.settings_received = true;
        }
        for &[a, b, value @ ..] in settings {
            peer.apply(u16::from_be_bytes([a, b]), u32::from_be_bytes(value), self.config.role)?;
        }
        self.adopt(peer)?;
        self.output.answer(frame::SETTINGS, frame::ACK, 0, &[]);
        self.pump();
        *event = Some(Event::Settings);
        Ok(())
    }

    /// The window of open streams changes by the difference, and of no other setting's doing (RFC 9113 §6.9.2).
    fn adopt(&mut self, peer: PeerSettings) -> Result<(), ConnectionError> {
        let before = std::mem::replace(&mut self.peer, peer);
        if peer.header_table != before.header_table {
            self.encoder.set_peer_limit(peer.header_table);
        }
        let by = i64::from(peer.window) - i64::from(before.window);
        if by == 0 {
            return Ok(());
        }
        let slots: Vec<u32> = self.streams.slots().collect();
        for slot in slots {
            if self.streams.get_mut(slot).send.shift(by).is_err() {
                let cause = "SETTINGS make a stream's window overflow";
                return Err(ConnectionError::new(ErrorCode::FLOW_CONTROL_ERROR, cause));
            }
            self.mark_ready(slot);
        }
        Ok(())
    }

    /// Now the peer goes by the stream window we announced, be it smaller than the default.
    fn on_settings_ack(&mut self, payload: &[u8]) -> Outcome {
        if !payload.is_empty() {
            return Err(ConnectionError::frame_size("SETTINGS acknowledgement with a payload"));
        }
        let window = self.config.stream_window;
        if self.stream_window != window {
            self.stream_window = window;
            let slots: Vec<u32> = self.streams.slots().collect();
            for slot in slots {
                self.streams.get_mut(slot).receive.resize(window);
            }
        }
        Ok(())
    }

    pub(super) fn on_ping(&mut self, head: Head, payload: &[u8], now: Instant, event: Slot<'_, '_>) -> Outcome {
        if head.stream != 0 {
            return Err(ConnectionError::protocol("PING on a stream"));
        }
        let Ok(payload) = <[u8; 8]>::try_from(payload) else {
            return Err(ConnectionError::frame_size("PING of other than 8 bytes"));
        };
        self.floods.ping(now)?;
        if head.has(frame::ACK) {
            *event = Some(Event::Pong { payload });
            return Ok(());
        }
        self.output.answer(frame::PING, frame::ACK, 0, &payload);
        Ok(())
    }

    pub(super) fn on_goaway(&mut self, head: Head, payload: &[u8], now: Instant, event: Slot<'_, '_>) -> Outcome {
        if head.stream != 0 {
            return Err(ConnectionError::protocol("GOAWAY on a stream"));
        }
        let Some((&[a, b, c, d, ref code @ ..], text)) = payload.split_first_chunk::<8>() else {
            return Err(ConnectionError::frame_size("GOAWAY shorter than 8 bytes"));
        };
        let last = u32::from_be_bytes([a, b, c, d]) & MOST_WINDOW;
        let code = ErrorCode(u32::from_be_bytes(*code));
        self.floods.useless(now)?;
        let last = self.going_away.peer_said(last, code, text);
        if self.config.role == Role::Client {
            self.refuse_above(last);
        }
        *event = Some(Event::GoAway { last: StreamId(last), code });
        Ok(())
    }

    /// Streams above the last were never processed; each is told after the GOAWAY itself.
    fn refuse_above(&mut self, last: u32) {
        let mut above: Vec<(StreamId, Token, u32)> = Vec::new();
        for slot in self.streams.slots() {
            let stream = self.streams.get(slot);
            if stream.id > last {
                above.push((StreamId(stream.id), stream.token, slot));
            }
        }
        above.sort_by_key(|&(stream, ..)| stream);
        for (stream, token, slot) in above {
            self.forget(slot, Closing::Cut);
            self.pending.push_back(Event::Refused { stream, token });
        }
    }

    pub(super) fn on_window_update(
        &mut self,
        head: Head,
        payload: &[u8],
        now: Instant,
        event: Slot<'_, '_>,
    ) -> Outcome {
        let Ok(by) = payload.try_into().map(u32::from_be_bytes) else {
            return Err(ConnectionError::frame_size("WINDOW_UPDATE of other than 4 bytes"));
        };
        let by = by & MOST_WINDOW;
        self.floods.window_update(now)?;
        if head.stream == 0 {
            return self.on_connection_window(by);
        }
        match self.find(head.stream) {
            Found::Live(slot) => self.on_stream_window(slot, by, now, event),
            Found::Never => Err(ConnectionError::protocol("WINDOW_UPDATE on an idle stream")),
            // It would have made us reset the stream, had it not been one too many.
            Found::Gone(Closing::Refused) if by == 0 || by > MOST_WINDOW - self.peer.window => {
                self.floods.forced_reset(now)
            }
            Found::Gone(_) | Found::Forgotten => Ok(()),
        }
    }

    fn on_connection_window(&mut self, by: u32) -> Outcome {
        if by == 0 {
            return Err(ConnectionError::protocol("WINDOW_UPDATE by 0"));
        }
        if self.send.shift(i64::from(by)).is_err() {
            let cause = "WINDOW_UPDATE makes the connection's window overflow";
            return Err(ConnectionError::new(ErrorCode::FLOW_CONTROL_ERROR, cause));
        }
        self.pump();
        Ok(())
    }

    fn on_stream_window(&mut self, slot: u32, by: u32, now: Instant, event: Slot<'_, '_>) -> Outcome {
        if by == 0 {
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, "WINDOW_UPDATE by 0", now, event);
        }
        let window = &mut self.streams.get_mut(slot).send;
        // RFC 9113 §6.9.1: 2^31-1 bounds the window a peer gives, not its growth back from below zero.
        if window.shift(i64::from(by)).is_err() {
            let cause = "WINDOW_UPDATE makes the stream's window overflow";
            return self.stream_error(slot, ErrorCode::FLOW_CONTROL_ERROR, cause, now, event);
        }
        // Whoever gives window takes what waits, though the connection's window may hold it up.
        self.streams.get_mut(slot).sent = true;
        self.mark_ready(slot);
        self.pump();
        Ok(())
    }

    /// Priorities are deprecated (RFC 9113 §5.3.2); their frames are checked and counted only.
    pub(super) fn on_priority(&mut self, head: Head, payload: &[u8], now: Instant, event: Slot<'_, '_>) -> Outcome {
        if head.stream == 0 {
            return Err(ConnectionError::protocol("PRIORITY on stream 0"));
        }
        self.floods.priority(now)?;
        let (code, cause) = match payload.try_into() {
            Ok(priority) if frame::parent(priority) != head.stream => return Ok(()),
            Ok(_) => (ErrorCode::PROTOCOL_ERROR, frame::OWN_PARENT),
            Err(_) => (ErrorCode::FRAME_SIZE_ERROR, "PRIORITY of other than 5 bytes"),
        };
        match self.find(head.stream) {
            Found::Live(slot) => self.stream_error(slot, code, cause, now, event),
            Found::Gone(_) | Found::Forgotten => self.floods.forced_reset(now),
            // An idle stream must not be reset (RFC 9113 §6.4).
            Found::Never => Err(ConnectionError::new(code, cause)),
        }
    }
}
