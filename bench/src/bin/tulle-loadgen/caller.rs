//! One connection of the load generator with its calls in flight.

use std::io;
use std::time::Instant;

use mio::net::TcpStream;
use tulle_bench::link::Link;
use tulle_bench::wire::{Buffers, Received, Wire};
use tulle_http2::{Config, ErrorCode, Event, Fields, Role, StreamId, Token};

use crate::call::Call;
use crate::failure::Failure;
use crate::plan::{Kind, Plan};
use crate::tally::Tally;

/// A connection; it is `Open => Lost`, and a lost one makes no call any more.
pub(crate) struct Caller {
    /// Its number among the connections.
    number: usize,
    link: Link,
    calls: Vec<Option<Call>>,
    free: Vec<usize>,
    /// Calls begun so far.
    begun: usize,
    moved: Vec<(StreamId, Token)>,
    scratch: Fields,
    state: State,
}

enum State {
    Open,
    Lost(String),
}

// === impl Caller ===

impl Caller {
    /// Begins to connect.
    pub(crate) fn connect(plan: &Plan, number: usize, streams: usize) -> io::Result<Self> {
        let session = plan.tls.as_ref().map(|tls| tls.session()).transpose()?;
        let wire = Wire::new(TcpStream::connect(plan.target)?, session)?;
        Ok(Self {
            number,
            link: Link::new(wire, Config::new(Role::Client)),
            calls: (0..streams).map(|_| None).collect(),
            free: (0..streams).collect(),
            // Connections do not begin with the same message.
            begun: number,
            moved: Vec::new(),
            scratch: Fields::new(),
            state: State::Open,
        })
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        self.link.wire.socket()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.calls.len() - self.free.len()
    }

    /// Why it was lost, once it is.
    pub(crate) fn lost(&self) -> Option<&str> {
        match &self.state {
            State::Open => None,
            State::Lost(cause) => Some(cause),
        }
    }

    /// Whether the server has spoken HTTP/2.
    pub(crate) fn is_ready(&self) -> bool {
        self.link.http2.settings_received()
    }

    /// Whether a call could start now.
    pub(crate) fn is_free(&self) -> bool {
        !self.free.is_empty() && self.lost().is_none() && self.link.http2.capacity() > 0
    }

    /// Starts a call; false when no slot or stream is free.
    pub(crate) fn start(&mut self, plan: &Plan, intended: Instant) -> bool {
        let Some(&slot) = self.free.last().filter(|_| self.lost().is_none()) else {
            return false;
        };
        let Ok(stream) = self.link.http2.open(Token(slot as u32), &plan.shape.head, false) else {
            return false;
        };
        self.free.pop();
        self.calls[slot] = Some(Call::new(stream, intended, plan.shape.start(self.begun)));
        self.begun += 1;
        self.send(plan, slot);
        true
    }

    /// Sends what is to be sent now: one message, and of a flood as many as find room.
    fn send(&mut self, plan: &Plan, slot: usize) {
        let Some(call) = &mut self.calls[slot] else { return };
        let last = if plan.kind == Kind::ServerStream { 1 } else { plan.shape.messages };
        let most = if plan.kind == Kind::Flood { last } else { call.sent + 1 };
        while call.sent < most.min(last) && self.link.http2.queued(call.stream) == 0 {
            let message = call.send(&plan.shape);
            self.link.http2.send_data(call.stream, message, call.sent == last);
        }
    }

    /// Writes what waits, and goes on with floods whose messages have left.
    pub(crate) fn flush(&mut self, plan: &Plan, tally: &mut Tally) {
        while self.lost().is_none() {
            if let Err(error) = self.link.flush() {
                return self.lose(&error.to_string(), tally);
            }
            self.link.moved(&mut self.moved);
            if self.moved.is_empty() {
                return;
            }
            let moved = std::mem::take(&mut self.moved);
            for (stream, token) in &moved {
                let slot = token.0 as usize;
                let is_same = self.calls[slot].as_ref().is_some_and(|call| call.stream == *stream);
                if is_same && plan.kind == Kind::Flood {
                    self.send(plan, slot);
                }
            }
            self.moved = moved;
            self.moved.clear();
        }
    }

    /// Says that no call comes any more.
    pub(crate) fn finish(&mut self) {
        // Where it fails the connection is gone anyway.
        let _ = self.link.wire.finish();
    }

    /// Whether the peer is gone; what it still says is passed over.
    pub(crate) fn is_closed(&mut self, buffers: &mut Buffers) -> bool {
        loop {
            match self.link.wire.read(buffers) {
                Ok(Received::Bytes(_)) => {}
                Ok(Received::Nothing) => return false,
                Ok(Received::Closed) | Err(_) => return true,
            }
        }
    }

    /// Reads all there is and counts the calls that ended.
    pub(crate) fn read(&mut self, plan: &Plan, buffers: &mut Buffers, tally: &mut Tally) {
        while self.lost().is_none() {
            // The wire itself: answers are always heard, or both ends could wait for each other.
            match self.link.wire.read(buffers) {
                Ok(Received::Bytes(length)) => self.take(buffers.bytes(length), plan, tally),
                Ok(Received::Nothing) => break,
                Ok(Received::Closed) => self.lose("the peer closed the connection", tally),
                Err(error) => self.lose(&error.to_string(), tally),
            }
        }
        if self.link.http2.is_going_away() && self.in_flight() == 0 && self.lost().is_none() {
            tally.fail(Failure::GoingAway, 1);
            self.state = State::Lost("the peer goes away".to_owned());
        }
    }

    /// The calls in flight are over, whatever comes now.
    pub(crate) fn abandon(&mut self, cause: Failure, tally: &mut Tally) {
        tally.fail(cause, self.in_flight() as u64);
        self.calls.iter_mut().for_each(|call| *call = None);
        self.free = (0..self.calls.len()).collect();
    }

    fn lose(&mut self, why: &str, tally: &mut Tally) {
        let cause = if self.is_ready() { Failure::ConnectionLost } else { Failure::NotConnected };
        if self.in_flight() == 0 {
            tally.fail(cause, 1);
        }
        self.abandon(cause, tally);
        self.state = State::Lost(why.to_owned());
    }

    fn take(&mut self, mut input: &[u8], plan: &Plan, tally: &mut Tally) {
        let now = Instant::now();
        loop {
            let event = match self.link.http2.receive(now, &mut input, &mut self.scratch) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => {
                    // Its GOAWAY tells the peer why, if it still listens.
                    let _ = self.link.flush();
                    return self.lose(&error.to_string(), tally);
                }
            };
            if let Some((token, outcome)) = self.on(&event, plan) {
                self.end(token, outcome, plan, tally, now);
            }
        }
    }

    /// What an event means for its call: nothing yet, or its end.
    fn on(&mut self, event: &Event<'_>, plan: &Plan) -> Option<(Token, Result<(), Failure>)> {
        match *event {
            Event::Headers { token, end_stream, .. } => {
                let call = slot(&mut self.calls, token)?;
                call.fields(&self.scratch);
                end_stream.then(|| (token, call.verdict(&plan.shape)))
            }
            Event::Data { token, stream, payload, end_stream } => {
                let call = slot(&mut self.calls, token)?;
                if let Err(cause) = call.data(payload, &plan.shape) {
                    return Some((token, Err(cause)));
                }
                let is_next = plan.kind == Kind::PingPong && call.received == call.sent;
                let over = end_stream.then(|| (token, call.verdict(&plan.shape)));
                self.link.http2.release(stream, payload.len() as u32);
                if is_next && over.is_none() {
                    self.send(plan, token.0 as usize);
                }
                over
            }
            Event::Reset { token, code, .. } => Some((token, Err(Failure::Reset(code)))),
            Event::StreamError { token, code, .. } => Some((token, Err(Failure::StreamError(code)))),
            Event::Refused { token, .. } => Some((token, Err(Failure::Refused))),
            Event::HeadersRefused { token, .. } => Some((token, Err(Failure::StreamError(ErrorCode::INTERNAL_ERROR)))),
            _ => None,
        }
    }

    fn end(&mut self, token: Token, outcome: Result<(), Failure>, plan: &Plan, tally: &mut Tally, now: Instant) {
        let number = token.0 as usize;
        let Some(call) = self.calls.get_mut(number).and_then(Option::take) else { return };
        self.free.push(number);
        match outcome {
            Ok(()) => tally.succeed(self.number, plan.shape.messages, call.intended, now),
            Err(cause) => {
                tally.fail(cause, 1);
                // Where it has not ended by itself.
                self.link.http2.reset(call.stream, ErrorCode::CANCEL);
            }
        }
    }
}

#[inline]
fn slot(calls: &mut [Option<Call>], token: Token) -> Option<&mut Call> {
    calls.get_mut(token.0 as usize)?.as_mut()
}
