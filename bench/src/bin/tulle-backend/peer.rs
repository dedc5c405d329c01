//! One client's connection and its calls.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use slab::Slab;
use tulle_bench::link::Link;
use tulle_bench::messages::LONGEST;
use tulle_bench::wire::{Buffers, Received, Wire};
use tulle_http2::{Config, Event, HeadersKind, Role, StreamId, Token};

use crate::echo::{Answer, Echo, Then};
use crate::replies::{Replies, Status};
use crate::stall::Stall;

pub(crate) struct Peer {
    link: Link,
    /// Streaming calls by token. Unary ones have none: most are over within one look at their input.
    echoes: Slab<Echo>,
    /// Unary messages that did not come in one piece.
    partial: HashMap<StreamId, Vec<u8>>,
    moved: Vec<(StreamId, Token)>,
}

/// What a path asks for.
enum Method {
    Unary,
    Streaming(Answer),
    Refused(Status),
}

// === impl Peer ===

impl Peer {
    pub(crate) fn new(wire: Wire) -> Self {
        let config = Config { max_concurrent_streams: 1000, ..Config::new(Role::Server) };
        let (echoes, partial) = (Slab::new(), HashMap::new());
        Self { link: Link::new(wire, config), echoes, partial, moved: Vec::new() }
    }

    /// Reads all there is, answers, writes once a read; false when the peer is gone.
    pub(crate) fn turn(&mut self, buffers: &mut Buffers, replies: &mut Replies, stall: &mut Stall) -> io::Result<bool> {
        // First what waits: nothing is read while too much does.
        self.flush(replies)?;
        loop {
            match self.link.read(buffers)? {
                Received::Bytes(length) => {
                    let may_go_on = self.answer(buffers.bytes(length), replies, stall);
                    self.flush(replies)?;
                    if !may_go_on {
                        return Ok(false);
                    }
                }
                Received::Nothing => return Ok(true),
                Received::Closed => return Ok(false),
            }
        }
    }

    /// False after a connection error; its GOAWAY waits to be written.
    fn answer(&mut self, mut input: &[u8], replies: &mut Replies, stall: &mut Stall) -> bool {
        let now = Instant::now();
        loop {
            let event = match self.link.http2.receive(now, &mut input, &mut replies.scratch) {
                Ok(Some(event)) => event,
                Ok(None) => return true,
                Err(_) => return false,
            };
            match event {
                Event::Headers { stream, kind: HeadersKind::Request, end_stream, .. } => {
                    stall.call();
                    self.begin(stream, end_stream, replies);
                }
                Event::Headers { stream, token, .. } => self.data(stream, token, &[], true, replies),
                Event::Data { stream, token, payload, end_stream } => {
                    self.data(stream, token, payload, end_stream, replies);
                }
                Event::Reset { stream, token, .. } | Event::StreamError { stream, token, .. } => {
                    self.forget(stream, token);
                }
                Event::HeadersRefused { stream, .. } => {
                    replies.end(&mut self.link.http2, stream, Status::ResourceExhausted, false);
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, stream: StreamId, is_whole: bool, replies: &Replies) {
        match method(replies) {
            Method::Unary if is_whole => replies.answer(&mut self.link.http2, stream, &[]),
            Method::Unary => {}
            Method::Refused(status) => replies.end(&mut self.link.http2, stream, status, false),
            Method::Streaming(answer) => {
                let token = Token(self.echoes.insert(Echo::new(stream, answer)) as u32);
                self.link.http2.set_token(stream, token);
                if is_whole {
                    self.data(stream, token, &[], true, replies);
                }
            }
        }
    }

    fn data(&mut self, stream: StreamId, token: Token, came: &[u8], ends: bool, replies: &Replies) {
        if token == Token::NONE {
            self.link.http2.release(stream, came.len() as u32);
            return self.unary(stream, came, ends, replies);
        }
        let Some(echo) = self.echoes.get_mut(token.0 as usize).filter(|echo| echo.stream == stream) else { return };
        let mut then = echo.data(came, &mut self.link.http2, replies);
        if ends && then == Then::GoesOn {
            then = echo.end(&mut self.link.http2, replies);
        }
        if then == Then::Over {
            self.echoes.remove(token.0 as usize);
        }
    }

    fn unary(&mut self, stream: StreamId, came: &[u8], ends: bool, replies: &Replies) {
        if ends {
            return match self.partial.remove(&stream) {
                None => replies.answer(&mut self.link.http2, stream, came),
                Some(mut message) => {
                    message.extend_from_slice(came);
                    replies.answer(&mut self.link.http2, stream, &message);
                }
            };
        }
        let message = self.partial.entry(stream).or_default();
        message.extend_from_slice(came);
        if message.len() > LONGEST {
            self.partial.remove(&stream);
            replies.end(&mut self.link.http2, stream, Status::ResourceExhausted, false);
        }
    }

    /// Writes all that may go, and lets streams go on whose answers have left.
    fn flush(&mut self, replies: &Replies) -> io::Result<()> {
        loop {
            self.link.flush()?;
            self.link.moved(&mut self.moved);
            if self.moved.is_empty() {
                return Ok(());
            }
            let mut moved = std::mem::take(&mut self.moved);
            moved.drain(..).for_each(|(stream, token)| self.go_on(stream, token, replies));
            self.moved = moved;
        }
    }

    fn go_on(&mut self, stream: StreamId, token: Token, replies: &Replies) {
        let Some(echo) = self.echoes.get_mut(token.0 as usize).filter(|echo| echo.stream == stream) else { return };
        if echo.moved(&mut self.link.http2, replies) == Then::Over {
            self.echoes.remove(token.0 as usize);
        }
    }

    fn forget(&mut self, stream: StreamId, token: Token) {
        self.partial.remove(&stream);
        if self.echoes.get(token.0 as usize).is_some_and(|echo| echo.stream == stream) {
            self.echoes.remove(token.0 as usize);
        }
    }
}

fn method(replies: &Replies) -> Method {
    match replies.scratch.get(b":path") {
        Some(b"/bench.Echo/PingPong" | b"/bench.Echo/Flood") => Method::Streaming(Answer::Each),
        Some(b"/bench.Echo/ServerStream") => {
            let asked = replies.scratch.get(b"bench-messages").and_then(|text| std::str::from_utf8(text).ok());
            let times = asked.and_then(|text| text.parse().ok()).filter(|times| *times <= 1_000_000);
            times.map_or(Method::Refused(Status::InvalidArgument), |times| Method::Streaming(Answer::Times(times)))
        }
        // A sidecar asks for health; an echo would be no answer to that.
        Some(path) if !path.starts_with(b"/grpc.health.") => Method::Unary,
        _ => Method::Refused(Status::Unimplemented),
    }
}
