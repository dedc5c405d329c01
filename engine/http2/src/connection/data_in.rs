//! DATA frames, RFC 9113 §6.1, passed on as they arrive.

use std::time::Instant;

use super::Connection;
use super::reading::{DataFrame, Reading, Step};
use crate::frame::{self, Head};
use crate::stream::Half;
use crate::streams::{Closing, Found};
use crate::{ConnectionError, ErrorCode, Event, StreamId};

// === impl Connection ===

impl Connection {
    /// Counts the whole frame against both windows: padding counts too, and frames of closed streams still count for
    /// the connection (engine.md, traps 4 and 5).
    #[inline]
    pub(super) fn begin_data(
        &mut self,
        head: Head,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        if head.stream == 0 {
            return Err(ConnectionError::protocol("DATA on stream 0"));
        }
        let is_padded = head.has(frame::PADDED);
        if is_padded && head.length == 0 {
            return Err(ConnectionError::frame_size("padded DATA without its length byte"));
        }
        if !self.receive.take(head.length) {
            let cause = "DATA over the connection's window";
            return Err(ConnectionError::new(ErrorCode::FLOW_CONTROL_ERROR, cause));
        }
        if self.receive.release(head.length) {
            self.give_back(now);
        }
        let ends_stream = head.has(frame::END_STREAM);
        if !is_padded {
            self.floods.data(head.length == 0 && !ends_stream)?;
        }
        self.reading =
            Reading::Data(DataFrame { stream: head.stream, payload: head.length, padding: 0, is_padded, ends_stream });
        self.begin_stream_data(head, now, event)
    }

    #[inline]
    fn begin_stream_data(
        &mut self,
        head: Head,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        match self.find(head.stream) {
            Found::Live(slot) => {
                let stream = self.streams.get_mut(slot);
                if stream.remote == Half::Ended {
                    return self.stream_error(slot, ErrorCode::STREAM_CLOSED, "DATA after the end", now, event);
                }
                if !stream.has_head {
                    return self.stream_error(
                        slot,
                        ErrorCode::PROTOCOL_ERROR,
                        "DATA before a response head",
                        now,
                        event,
                    );
                }
                if !stream.receive.take(head.length) {
                    let cause = "DATA over the stream's window";
                    return self.stream_error(slot, ErrorCode::FLOW_CONTROL_ERROR, cause, now, event);
                }
                if head.has(frame::PADDED) {
                    return Ok(());
                }
                self.count_content(slot, head.length, head.has(frame::END_STREAM), now, event)
            }
            Found::Gone(Closing::Ended | Closing::Reset) => self.closed_error(head.stream, now, event),
            Found::Gone(Closing::Cut | Closing::Refused) | Found::Forgotten => Ok(()),
            Found::Never => Err(ConnectionError::protocol("DATA on an idle stream")),
        }
    }

    /// Takes the next part. The stream is looked up anew for each: the caller may have reset it in between.
    #[inline]
    pub(super) fn take_data<'i>(
        &mut self,
        mut data: DataFrame,
        input: &mut &'i [u8],
        now: Instant,
        event: &mut Option<Event<'i>>,
    ) -> Result<Step, ConnectionError> {
        if data.is_padded {
            if !take_pad_length(&mut data, input)? {
                self.unfinished_since = Some(now);
                return Ok(Step::NeedsInput);
            }
            // Padding is no content: a frame of nothing else is as empty as one without.
            self.floods.data(data.payload == 0 && !data.ends_stream)?;
            self.release(StreamId(data.stream), 1);
            if let Some(slot) = self.streams.live(data.stream) {
                self.count_content(slot, data.payload, data.ends_stream, now, event)?;
            }
            if event.is_some() {
                self.reading = Reading::Data(data);
                return Ok(Step::Done);
            }
        }
        let payload = take(input, &mut data.payload);
        if data.payload == 0 && data.padding > 0 {
            self.skip_padding(&mut data, input);
        }
        let is_done = data.payload == 0 && data.padding == 0;
        self.reading = if is_done { Reading::Head } else { Reading::Data(data) };
        let ends = is_done && data.ends_stream;
        if (!payload.is_empty() || ends)
            && let Some(slot) = self.streams.live(data.stream)
        {
            self.pass_on(slot, payload, ends, event);
        }
        if is_done || !payload.is_empty() {
            return Ok(Step::Done);
        }
        self.unfinished_since = Some(now);
        Ok(Step::NeedsInput)
    }

    /// Counts a frame's content as soon as its length is known, so that it is refused alike wherever it is cut.
    #[inline]
    fn count_content(
        &mut self,
        slot: u32,
        bytes: u32,
        ends: bool,
        now: Instant,
        event: &mut Option<Event<'_>>,
    ) -> Result<(), ConnectionError> {
        let stream = self.streams.get_mut(slot);
        if !stream.count_content(bytes as usize) || (ends && !stream.may_end()) {
            let cause = "DATA does not agree with content-length";
            return self.stream_error(slot, ErrorCode::PROTOCOL_ERROR, cause, now, event);
        }
        Ok(())
    }

    #[inline]
    fn pass_on<'i>(&mut self, slot: u32, payload: &'i [u8], ends: bool, event: &mut Option<Event<'i>>) {
        let stream = self.streams.get_mut(slot);
        stream.came = true;
        self.is_reading = true;
        *event = Some(Event::Data { stream: StreamId(stream.id), token: stream.token, payload, end_stream: ends });
        if ends {
            self.streams.end_remote(slot);
        }
    }

    /// Padding goes straight back to the stream's window: no one will take it.
    fn skip_padding(&mut self, data: &mut DataFrame, input: &mut &[u8]) {
        let skipped = take(input, &mut data.padding).len() as u32;
        if skipped > 0 {
            self.release(StreamId(data.stream), skipped);
        }
    }
}

/// `false` where the length byte has not come yet.
fn take_pad_length(data: &mut DataFrame, input: &mut &[u8]) -> Result<bool, ConnectionError> {
    let Some((&padding, rest)) = input.split_first() else { return Ok(false) };
    *input = rest;
    let padding = u32::from(padding);
    if padding >= data.payload {
        return Err(ConnectionError::protocol("padding as long as its frame"));
    }
    data.payload -= padding + 1;
    data.padding = padding;
    data.is_padded = false;
    Ok(true)
}

fn take<'i>(input: &mut &'i [u8], left: &mut u32) -> &'i [u8] {
    let (came, later) = input.split_at((*left as usize).min(input.len()));
    *input = later;
    *left -= came.len() as u32;
    came
}
