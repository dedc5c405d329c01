//! The frame walker: from input bytes to whole frames, wherever the input was cut.

use std::time::Instant;

use super::Connection;
use super::reading::{Reading, Step};
use crate::frame::{self, HEAD, Head, PREFACE};
use crate::{ConnectionError, Event, Fields};

/// Room a connection keeps for frames that came in parts.
const CARRY_KEPT: usize = 1_024;

// === impl Connection ===

impl Connection {
    /// Takes what it can from `input` and gives the next event; `None` asks for more input.
    ///
    /// `fields` holds the field section after `Headers` and nothing of use otherwise. `now` feeds the limits that are
    /// rates.
    ///
    /// # Errors
    /// A connection error; its GOAWAY is in the output, which is to be flushed before closing. The same error is given
    /// again on every later call.
    pub fn receive<'i>(
        &mut self,
        now: Instant,
        input: &mut &'i [u8],
        fields: &mut Fields,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Err(error) = self.output.check(self.unread) {
            self.fail(error);
            return Err(error);
        }
        // One slot for the event, handed down: returned through every layer it would be copied as often.
        let mut event = self.pending.pop_front();
        while event.is_none() {
            match self.step(now, input, fields, &mut event) {
                Ok(Step::Done) => {}
                Ok(Step::NeedsInput) => {
                    self.end_of_read(now);
                    return Ok(None);
                }
                Err(error) => {
                    self.fail(error);
                    return Err(error);
                }
            }
        }
        Ok(event)
    }

    #[inline]
    fn end_of_read(&mut self, now: Instant) {
        self.read_at = Some(now);
        self.is_reading = false;
        if !self.owes.is_empty() {
            self.give_back_owed();
        }
    }

    #[inline]
    fn step<'i>(
        &mut self,
        now: Instant,
        input: &mut &'i [u8],
        fields: &mut Fields,
        event: &mut Option<Event<'i>>,
    ) -> Result<Step, ConnectionError> {
        match self.reading {
            Reading::Preface(seen) => self.take_preface(seen, input),
            Reading::Head => match self.take_head(input, now) {
                Some(head) => self.begin(head, now, event),
                None => Ok(Step::NeedsInput),
            },
            Reading::Payload(head) => self.take_payload(head, input, fields, now, event),
            Reading::Data(data) => self.take_data(data, input, now, event),
        }
    }

    fn take_preface(&mut self, seen: usize, input: &mut &[u8]) -> Result<Step, ConnectionError> {
        let rest = &PREFACE[seen..];
        let (came, later) = input.split_at(rest.len().min(input.len()));
        if came != &rest[..came.len()] {
            return Err(ConnectionError::protocol("no HTTP/2 preface"));
        }
        *input = later;
        let is_whole = came.len() == rest.len();
        self.reading = if is_whole { Reading::Head } else { Reading::Preface(seen + came.len()) };
        Ok(if is_whole { Step::Done } else { Step::NeedsInput })
    }

    #[inline]
    fn take_head(&mut self, input: &mut &[u8], now: Instant) -> Option<Head> {
        if self.carry.is_empty()
            && let Some((head, rest)) = input.split_first_chunk::<HEAD>()
        {
            *input = rest;
            return Some(Head::parse(head));
        }
        self.take_head_in_parts(input, now)
    }

    #[cold]
    fn take_head_in_parts(&mut self, input: &mut &[u8], now: Instant) -> Option<Head> {
        self.carry_up_to(HEAD, input, now);
        let head = Head::parse(self.carry.first_chunk()?);
        self.carry.clear();
        Some(head)
    }

    /// Checks what the header alone shows and decides how the payload is taken.
    #[inline]
    fn begin(&mut self, head: Head, now: Instant, event: &mut Option<Event<'_>>) -> Result<Step, ConnectionError> {
        if head.length > self.config.max_frame_size {
            return Err(ConnectionError::frame_size("frame over SETTINGS_MAX_FRAME_SIZE"));
        }
        if !self.settings_received && (head.kind != frame::SETTINGS || head.has(frame::ACK)) {
            return Err(ConnectionError::protocol("first frame is not SETTINGS"));
        }
        if let Some(block) = &self.block {
            if head.kind != frame::CONTINUATION || head.stream != block.stream {
                return Err(ConnectionError::protocol("header block interrupted"));
            }
            block.check_age(&self.config.header_limits, now)?;
        }
        if head.kind == frame::DATA {
            self.begin_data(head, now, event)?;
        } else {
            self.reading = Reading::Payload(head);
        }
        Ok(Step::Done)
    }

    fn take_payload(
        &mut self,
        head: Head,
        input: &mut &[u8],
        fields: &mut Fields,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<Step, ConnectionError> {
        let length = head.length as usize;
        if self.carry.is_empty()
            && let Some((payload, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            self.reading = Reading::Head;
            return self.frame(head, payload, fields, now, event).map(|()| Step::Done);
        }
        self.carry_up_to(length, input, now);
        if self.carry.len() < length {
            return Ok(Step::NeedsInput);
        }
        self.reading = Reading::Head;
        let carried = std::mem::take(&mut self.carry);
        let result = self.frame(head, &carried, fields, now, event);
        self.carry = carried;
        self.carry.clear();
        self.carry.shrink_to(CARRY_KEPT);
        result.map(|()| Step::Done)
    }

    fn carry_up_to(&mut self, length: usize, input: &mut &[u8], now: Instant) {
        if self.carry.is_empty() {
            self.unfinished_since = Some(now);
        }
        let missing = length - self.carry.len();
        let (came, later) = input.split_at(missing.min(input.len()));
        self.carry.extend_from_slice(came);
        *input = later;
    }

    #[inline]
    fn frame(
        &mut self,
        head: Head,
        payload: &[u8],
        fields: &mut Fields,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        match head.kind {
            frame::HEADERS => self.on_headers(head, payload, fields, now, event),
            frame::CONTINUATION => self.on_continuation(head, payload, fields, now, event),
            frame::RST_STREAM => self.on_reset(head, payload, now, event),
            frame::SETTINGS => self.on_settings(head, payload, now, event),
            frame::PING => self.on_ping(head, payload, now, event),
            frame::GOAWAY => self.on_goaway(head, payload, now, event),
            frame::WINDOW_UPDATE => self.on_window_update(head, payload, now, event),
            frame::PUSH_PROMISE => Err(ConnectionError::protocol("PUSH_PROMISE, which is switched off")),
            frame::PRIORITY => self.on_priority(head, payload, now, event),
            // RFC 9113 §5.5: unknown types are ignored.
            _ => self.floods.priority(now),
        }
    }
}
