//! Prints what a unary call costs the two ends of a proxy in this codec: a downstream and an upstream connection with
//! the fields, DATA and trailers passed on, ten calls in flight, nothing else. The ends around it are not counted.
//!
//! `unary_cost ROUNDS` takes fewer rounds, for callgrind with `--toggle-collect='*proxy_re*'`, whose count of
//! instructions no busy machine can change.

use std::time::{Duration, Instant};

use tulle_http2::{Config, Connection, Event, Fields, Role, StreamId, Token};

const IN_FLIGHT: u32 = 10;
const ROUNDS: u32 = 40_000;
const REPEATS: u32 = 5;
const PAYLOAD: [u8; 100] = [7; 100];

/// The four ends in a row and the proxy's memory of who belongs to whom.
struct Chain {
    caller: Connection,
    downstream: Connection,
    upstream: Connection,
    called: Connection,
    fields: Fields,
    /// By token: both streams of a call.
    calls: Vec<(Option<StreamId>, Option<StreamId>)>,
    now: Instant,
}

fn main() {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let count: u32 = asked.unwrap_or(ROUNDS).max(1);
    let mut chain = Chain::new();
    for _ in 0..REPEATS {
        let mut rounds: Vec<Duration> = (0..count).map(|_| chain.round()).collect();
        rounds.sort_unstable();
        // The median: a busy machine takes the processor away in the midst of some rounds.
        let median = rounds[rounds.len() / 2].as_nanos() as f64;
        println!("{:.0} ns a call in the proxy's two ends", median / f64::from(IN_FLIGHT));
    }
}

// === impl Chain ===

impl Chain {
    fn new() -> Self {
        Self {
            caller: Connection::new(Config::new(Role::Client)),
            downstream: Connection::new(Config::new(Role::Server)),
            upstream: Connection::new(Config::new(Role::Client)),
            called: Connection::new(Config::new(Role::Server)),
            fields: Fields::new(),
            calls: vec![(None, None); IN_FLIGHT as usize],
            now: Instant::now(),
        }
    }

    /// Ten calls there and back; gives the time that the proxy took.
    fn round(&mut self) -> Duration {
        let request = request();
        for token in 0..IN_FLIGHT {
            if let Ok(stream) = self.caller.open(Token(token), &request, false) {
                self.caller.send_data(stream, &PAYLOAD, true);
            }
        }
        let there = self.proxy_requests();
        self.answer();
        let back = self.proxy_responses();
        drain(&mut self.downstream, &mut self.caller, self.now, &mut self.fields);
        there + back
    }

    #[inline(never)]
    fn proxy_requests(&mut self) -> Duration {
        let start = Instant::now();
        let mut input = self.caller.output();
        let length = input.len();
        let mut next = 0;
        while let Ok(Some(event)) = self.downstream.receive(self.now, &mut input, &mut self.fields) {
            match event {
                Event::Headers { stream, .. } => {
                    let token = Token(next);
                    next += 1;
                    self.downstream.set_token(stream, token);
                    let up = self.upstream.open(token, &self.fields, false).ok();
                    self.calls[token.0 as usize] = (Some(stream), up);
                }
                Event::Data { stream, token, payload, end_stream, flow } => {
                    if let Some(up) = self.calls[token.0 as usize].1 {
                        self.upstream.send_data(up, payload, end_stream);
                    }
                    self.downstream.release(stream, flow);
                }
                _ => {}
            }
        }
        let spent = start.elapsed();
        self.caller.advance_output(length);
        spent
    }

    #[inline(never)]
    fn proxy_responses(&mut self) -> Duration {
        let start = Instant::now();
        let mut input = self.called.output();
        let length = input.len();
        while let Ok(Some(event)) = self.upstream.receive(self.now, &mut input, &mut self.fields) {
            match event {
                Event::Headers { token, end_stream, .. } => {
                    if let Some(down) = self.calls[token.0 as usize].0 {
                        self.downstream.send_headers(down, &self.fields, end_stream);
                    }
                }
                Event::Data { stream, token, payload, end_stream, flow } => {
                    if let Some(down) = self.calls[token.0 as usize].0 {
                        self.downstream.send_data(down, payload, end_stream);
                    }
                    self.upstream.release(stream, flow);
                }
                _ => {}
            }
        }
        let spent = start.elapsed();
        self.called.advance_output(length);
        spent
    }

    /// The called end answers all it was asked.
    fn answer(&mut self) {
        let mut ended = Vec::new();
        let mut input = self.upstream.output();
        let length = input.len();
        while let Ok(Some(event)) = self.called.receive(self.now, &mut input, &mut self.fields) {
            if let Event::Data { stream, end_stream: true, .. } = event {
                ended.push(stream);
            }
        }
        self.upstream.advance_output(length);
        for stream in ended {
            self.called.send_headers(stream, &list(&RESPONSE), false);
            self.called.send_data(stream, &PAYLOAD, false);
            self.called.send_headers(stream, &list(&TRAILERS), true);
        }
    }
}

fn drain(from: &mut Connection, to: &mut Connection, now: Instant, fields: &mut Fields) {
    let mut input = from.output();
    let length = input.len();
    while let Ok(Some(_)) = to.receive(now, &mut input, fields) {}
    from.advance_output(length);
}

const RESPONSE: [(&str, &str); 3] =
    [(":status", "200"), ("content-type", "application/grpc"), ("grpc-accept-encoding", "identity, deflate, gzip")];
const TRAILERS: [(&str, &str); 2] = [("grpc-status", "0"), ("grpc-message", "")];

fn request() -> Fields {
    list(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/shop.v1.Orders/PlaceOrder"),
        (":authority", "orders.default:50051"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "grpc-python/1.80.0 grpc-c/52.0.0 (linux; chttp2)"),
        ("grpc-accept-encoding", "identity, deflate, gzip"),
        ("grpc-timeout", "4999m"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ])
}

fn list(pairs: &[(&str, &str)]) -> Fields {
    let mut made = Fields::new();
    for (name, value) in pairs {
        made.push(name.as_bytes(), value.as_bytes());
    }
    made
}
