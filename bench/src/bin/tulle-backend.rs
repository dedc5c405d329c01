//! The echo backend: answers every gRPC call with the message it got, on one thread.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token as Key};
use tulle_bench::flags::Flags;
use tulle_bench::link::{Link, Received};
use tulle_http2::{Config, Event, Fields, Role, StreamId};

const LISTENER: Key = Key(usize::MAX);
const BUFFER: usize = 64 * 1024;

struct Backend {
    poll: Poll,
    listener: TcpListener,
    peers: HashMap<usize, Peer>,
    next: usize,
    replies: Replies,
    buffer: Vec<u8>,
}

struct Peer {
    link: Link,
    /// Messages that did not come in one piece.
    partial: HashMap<StreamId, Vec<u8>>,
}

struct Replies {
    head: Fields,
    trailers: Fields,
    unimplemented: Fields,
    scratch: Fields,
}

fn main() {
    if let Err(error) = run() {
        eprintln!("tulle-backend: {error}");
        std::process::exit(2);
    }
}

fn run() -> Result<(), String> {
    let address: SocketAddr = Flags::from_env()?.get("listen")?;
    let mut backend = Backend::bind(address).map_err(|error| format!("--listen {address}: {error}"))?;
    let bound = backend.listener.local_addr().map_err(|error| error.to_string())?;
    println!("{}", serde_json::json!({"ready": "backend", "address": bound.to_string()}));
    backend.serve().map_err(|error| error.to_string())
}

// === impl Backend ===

impl Backend {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; BUFFER];
        Ok(Self { poll, listener, peers: HashMap::new(), next: 0, replies: Replies::new(), buffer })
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Key(number) => self.turn(number),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Key(self.next), both)?;
            let link = Link::new(socket, config())?;
            self.peers.insert(self.next, Peer { link, partial: HashMap::new() });
            self.next += 1;
        }
    }

    fn turn(&mut self, number: usize) {
        let Some(peer) = self.peers.get_mut(&number) else {
            return;
        };
        if !peer.turn(&mut self.buffer, &mut self.replies).unwrap_or(false) {
            self.peers.remove(&number);
        }
    }
}

fn config() -> Config {
    Config { max_concurrent_streams: 1000, ..Config::new(Role::Server) }
}

// === impl Peer ===

impl Peer {
    /// Reads all there is, answers, writes once; false when the peer is gone.
    fn turn(&mut self, buffer: &mut [u8], replies: &mut Replies) -> io::Result<bool> {
        let mut open = true;
        while let Received::Bytes(length) = match self.link.read(buffer)? {
            Received::Closed => {
                open = false;
                Received::Nothing
            }
            other => other,
        } {
            self.answer(&buffer[..length], replies);
            self.link.flush()?;
        }
        self.link.flush()?;
        Ok(open)
    }

    fn answer(&mut self, mut input: &[u8], replies: &mut Replies) {
        let now = Instant::now();
        while let Ok(Some(event)) = self.link.http2.receive(now, &mut input, &mut replies.scratch) {
            match event {
                Event::Data { stream, payload, end_stream, flow, .. } => {
                    self.link.http2.release(stream, flow);
                    self.data(stream, payload, end_stream, replies);
                }
                Event::Headers { stream, .. } if replies.is_health_check() => {
                    self.link.http2.send_headers(stream, &replies.unimplemented, true);
                }
                Event::Headers { stream, end_stream: true, .. } => self.reply(stream, &[], replies),
                Event::Reset { stream, .. } | Event::StreamError { stream, .. } => {
                    self.partial.remove(&stream);
                }
                _ => {}
            }
        }
    }

    fn data(&mut self, stream: StreamId, payload: &[u8], end: bool, replies: &Replies) {
        if !end {
            self.partial.entry(stream).or_default().extend_from_slice(payload);
        } else if let Some(mut message) = self.partial.remove(&stream) {
            message.extend_from_slice(payload);
            self.reply(stream, &message, replies);
        } else {
            self.reply(stream, payload, replies);
        }
    }

    fn reply(&mut self, stream: StreamId, message: &[u8], replies: &Replies) {
        self.link.http2.send_headers(stream, &replies.head, false);
        self.link.http2.send_data(stream, message, false);
        self.link.http2.send_headers(stream, &replies.trailers, true);
    }
}

// === impl Replies ===

impl Replies {
    fn new() -> Self {
        let (mut head, mut trailers) = (Fields::new(), Fields::new());
        head.push(b":status", b"200");
        head.push(b"content-type", b"application/grpc");
        trailers.push(b"grpc-status", b"0");
        let mut unimplemented = head.clone();
        unimplemented.push(b"grpc-status", b"12");
        Self { head, trailers, unimplemented, scratch: Fields::new() }
    }

    /// A sidecar asks for health; an echo would be no answer to that.
    fn is_health_check(&self) -> bool {
        self.scratch.get(b":path").is_some_and(|path| path.starts_with(b"/grpc.health."))
    }
}
