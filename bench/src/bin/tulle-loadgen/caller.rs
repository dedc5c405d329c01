//! One connection of the load generator with its calls in flight.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use tulle_bench::link::{Link, Received};
use tulle_http2::{Config, Event, Fields, Role, Token};

use crate::call::{Call, Shape, Tally};

const BUFFER: usize = 64 * 1024;

pub(crate) struct Caller {
    link: Link,
    calls: Vec<Option<Call>>,
    free: Vec<usize>,
    scratch: Fields,
    buffer: Vec<u8>,
    lost: bool,
}

// === impl Caller ===

impl Caller {
    pub(crate) fn connect(target: SocketAddr, streams: usize) -> io::Result<Self> {
        let link = Link::new(TcpStream::connect(target)?, Config::new(Role::Client))?;
        let (calls, free) = (vec![None; streams], (0..streams).collect());
        Ok(Self { link, calls, free, scratch: Fields::new(), buffer: vec![0; BUFFER], lost: false })
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        self.link.socket()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.calls.len() - self.free.len()
    }

    pub(crate) fn is_free(&self) -> bool {
        !self.lost && !self.free.is_empty()
    }

    /// Starts a call; false when no slot or stream is free.
    pub(crate) fn start(&mut self, shape: &Shape, intended: Instant) -> bool {
        let Some(&slot) = self.free.last().filter(|_| !self.lost) else {
            return false;
        };
        let Ok(stream) = self.link.http2.open(Token(slot as u32), &shape.head, false) else {
            return false;
        };
        self.link.http2.send_data(stream, &shape.message, true);
        self.calls[slot] = Some(Call::new(intended));
        self.free.pop();
        true
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.lost { Ok(()) } else { self.link.flush() }
    }

    /// The connection is lost: its calls are over.
    pub(crate) fn forget(&mut self) {
        self.lost = true;
        self.calls.iter_mut().for_each(|call| *call = None);
        self.free = (0..self.calls.len()).collect();
    }

    /// Reads all there is and counts the calls that ended; those that ended after `end` are judged, not timed.
    pub(crate) fn read(&mut self, shape: &Shape, tally: &mut Tally, end: Instant) -> io::Result<()> {
        while !self.lost {
            match self.link.read(&mut self.buffer) {
                Ok(Received::Bytes(length)) => self.take(length, shape, tally, end),
                Ok(Received::Nothing) => break,
                Ok(Received::Closed) | Err(_) => {
                    tally.failed += self.in_flight().max(1) as u64;
                    self.forget();
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, length: usize, shape: &Shape, tally: &mut Tally, end: Instant) {
        let now = Instant::now();
        let (buffer, link) = (&self.buffer[..length], &mut self.link);
        let mut input = buffer;
        while let Ok(Some(event)) = link.http2.receive(now, &mut input, &mut self.scratch) {
            let (token, over) = match event {
                Event::Headers { token, end_stream, .. } => (token, end_stream),
                Event::Data { token, end_stream, stream, flow, payload } => {
                    if let Some(call) = slot(&mut self.calls, token) {
                        call.data(payload, shape);
                    }
                    link.http2.release(stream, flow);
                    (token, end_stream)
                }
                Event::Reset { token, .. } | Event::StreamError { token, .. } | Event::Refused { token, .. } => {
                    (token, true)
                }
                _ => continue,
            };
            let Some(call) = slot(&mut self.calls, token) else {
                continue;
            };
            if matches!(event, Event::Headers { .. }) {
                call.status(self.scratch.get(b"grpc-status"));
            }
            if over {
                let good = call.is_good(shape);
                if now <= end || !good {
                    tally.count(good, now.saturating_duration_since(call.intended));
                }
                self.calls[token.0 as usize] = None;
                self.free.push(token.0 as usize);
            }
        }
    }
}

fn slot(calls: &mut [Option<Call>], token: Token) -> Option<&mut Call> {
    calls.get_mut(token.0 as usize)?.as_mut()
}
