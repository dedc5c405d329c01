//! The frame walker: from input bytes to whole frames, wherever the input was cut.

use std::time::Instant;

use super::Connection;
use super::data_in::DataFrame;
use crate::frame::{self, HEAD, Head, PREFACE};
use crate::{ConnectionError, Event, Fields, Role};

/// Room a connection keeps for frames that came in parts.
const CARRY_KEPT: usize = 1_024;

/// Where in the byte stream we are.
///
/// `Preface => Head => (Head | Payload | Data)`, `Payload => Head`, `Data => Head`; an error goes nowhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// So many bytes of the client's preface have come.
    Preface(usize),
    /// Between two frames, or within a frame header.
    Head,
    /// Within a frame that is handled whole.
    Payload(Head),
    /// Within a DATA frame, passed on as it comes.
    Data(DataFrame),
}

// === impl Reading ===

impl Reading {
    pub(super) fn start(role: Role) -> Self {
        match role {
            Role::Client => Self::Head,
            Role::Server => Self::Preface(0),
        }
    }
}

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
        let result = self.walk(now, input, fields);
        if let Err(error) = result {
            self.fail(error);
        }
        result
    }

    fn walk<'i>(
        &mut self,
        now: Instant,
        input: &mut &'i [u8],
        fields: &mut Fields,
    ) -> Result<Option<Event<'i>>, ConnectionError> {
        if let Some(event) = self.pending.pop_front() {
            return Ok(Some(event));
        }
        loop {
            let event = match self.reading {
                Reading::Preface(seen) => {
                    if !self.take_preface(seen, input)? {
                        return Ok(None);
                    }
                    None
                }
                Reading::Head => {
                    let Some(head) = self.take_head(input) else { return Ok(None) };
                    self.begin(head, now)?
                }
                Reading::Payload(head) => match self.take_payload(head, input, fields, now)? {
                    Taken::Whole(event) => event,
                    Taken::Part => return Ok(None),
                },
                Reading::Data(data) => {
                    let before = input.len();
                    let event = self.take_data(data, input, now)?;
                    if event.is_none() && input.len() == before && matches!(self.reading, Reading::Data(_)) {
                        return Ok(None);
                    }
                    event
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// `false` where it is not whole yet.
    fn take_preface(&mut self, seen: usize, input: &mut &[u8]) -> Result<bool, ConnectionError> {
        let rest = &PREFACE[seen..];
        let (came, later) = input.split_at(rest.len().min(input.len()));
        if came != &rest[..came.len()] {
            return Err(ConnectionError::protocol("no HTTP/2 preface"));
        }
        *input = later;
        let is_whole = came.len() == rest.len();
        self.reading = if is_whole { Reading::Head } else { Reading::Preface(seen + came.len()) };
        Ok(is_whole)
    }

    #[inline]
    fn take_head(&mut self, input: &mut &[u8]) -> Option<Head> {
        if self.carry.is_empty()
            && let Some((head, rest)) = input.split_first_chunk::<HEAD>()
        {
            *input = rest;
            return Some(Head::parse(head));
        }
        self.take_head_in_parts(input)
    }

    #[cold]
    fn take_head_in_parts(&mut self, input: &mut &[u8]) -> Option<Head> {
        self.carry_up_to(HEAD, input);
        let head = Head::parse(self.carry.first_chunk()?);
        self.carry.clear();
        Some(head)
    }

    /// Checks what the header alone shows and decides how the payload is taken.
    fn begin(&mut self, head: Head, now: Instant) -> Result<Option<Event<'static>>, ConnectionError> {
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
            block.check_age(now)?;
        }
        if head.kind == frame::DATA {
            return self.begin_data(head, now);
        }
        self.reading = Reading::Payload(head);
        Ok(None)
    }

    fn take_payload(
        &mut self,
        head: Head,
        input: &mut &[u8],
        fields: &mut Fields,
        now: Instant,
    ) -> Result<Taken, ConnectionError> {
        let length = head.length as usize;
        if self.carry.is_empty()
            && let Some((payload, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            self.reading = Reading::Head;
            return self.frame(head, payload, fields, now).map(Taken::Whole);
        }
        self.carry_up_to(length, input);
        if self.carry.len() < length {
            return Ok(Taken::Part);
        }
        self.reading = Reading::Head;
        let carried = std::mem::take(&mut self.carry);
        let result = self.frame(head, &carried, fields, now);
        self.carry = carried;
        self.carry.clear();
        self.carry.shrink_to(CARRY_KEPT);
        result.map(Taken::Whole)
    }

    fn carry_up_to(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length - self.carry.len();
        let (came, later) = input.split_at(missing.min(input.len()));
        self.carry.extend_from_slice(came);
        *input = later;
    }

    fn frame(
        &mut self,
        head: Head,
        payload: &[u8],
        fields: &mut Fields,
        now: Instant,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        match head.kind {
            frame::HEADERS => self.on_headers(head, payload, fields, now),
            frame::CONTINUATION => self.on_continuation(head, payload, fields, now),
            frame::RST_STREAM => self.on_reset(head, payload, now),
            frame::SETTINGS => self.on_settings(head, payload, now),
            frame::PING => self.on_ping(head, payload, now),
            frame::GOAWAY => self.on_goaway(head, payload),
            frame::WINDOW_UPDATE => self.on_window_update(head, payload, now),
            frame::PUSH_PROMISE => Err(ConnectionError::protocol("PUSH_PROMISE, which is switched off")),
            frame::PRIORITY => self.on_priority(head, now),
            // RFC 9113 §5.5: unknown types are ignored.
            _ => self.floods.priority(now).map(|()| None),
        }
    }
}

/// What a look for a payload gave.
enum Taken {
    /// The frame was whole and handled.
    Whole(Option<Event<'static>>),
    /// More input is needed.
    Part,
}
