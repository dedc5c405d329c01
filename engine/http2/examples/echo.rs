//! The codec on blocking sockets, for peers of other makes to talk to.
//!
//! `echo serve` prints its port and serves until standard input ends: each call gets its `x-` fields, body and trailers
//! back. `echo call ADDRESS CALLS BYTES` makes CALLS at once with BYTES each and prints a line for each answer:
//! status, bytes, whether they are those that were sent.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use tulle_http2::{Config, Connection, Event, Fields, HeadersKind, Role, StreamId, Token};

/// A message as it comes in.
#[derive(Default)]
struct Message {
    head: Fields,
    body: Vec<u8>,
    trailers: Fields,
    has_ended: bool,
}

/// One connection, its socket and the messages on it.
struct Peer {
    connection: Connection,
    socket: TcpStream,
    messages: HashMap<StreamId, Message>,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve(),
        ["call", address, calls, bytes] => call(address, number(calls)?, number(bytes)?),
        _ => Err(io::Error::other("usage: echo serve | echo call ADDRESS CALLS BYTES")),
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|error| io::Error::other(format!("{text:?} is no number: {error}")))
}

fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = serve_one(socket) {
                    eprintln!("{error}");
                }
            });
        }
    });
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn serve_one(socket: TcpStream) -> io::Result<()> {
    let mut peer = Peer::new(Role::Server, socket)?;
    while peer.turn()? {
        for (stream, message) in peer.take_ended() {
            peer.answer(stream, &message);
        }
    }
    Ok(())
}

fn call(address: &str, calls: usize, bytes: usize) -> io::Result<()> {
    let mut peer = Peer::new(Role::Client, TcpStream::connect(address)?)?;
    while !peer.connection.settings_received() {
        peer.turn()?;
    }
    let body: Vec<u8> = (0..bytes).map(|n| (n % 251) as u8).collect();
    let mut request = Fields::new();
    for (name, value) in [(":method", "POST"), (":scheme", "http"), (":path", "/echo"), (":authority", address)] {
        request.push(name.as_bytes(), value.as_bytes());
    }
    let (mut opened, mut answered) = (0, 0);
    while answered < calls {
        while opened < calls && peer.connection.capacity() > 0 {
            let stream = peer.connection.open(Token::NONE, &request, false).map_err(io::Error::other)?;
            peer.connection.send_data(stream, &body, true);
            opened += 1;
        }
        if !peer.turn()? {
            return Err(io::Error::other("the server hung up"));
        }
        for (_, message) in peer.take_ended() {
            let status = String::from_utf8_lossy(message.head.get(b":status").unwrap_or(b"none")).into_owned();
            println!("{status} {} {}", message.body.len(), message.body == body);
            answered += 1;
        }
    }
    Ok(())
}

// === impl Peer ===

impl Peer {
    fn new(role: Role, socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self { connection: Connection::new(Config::new(role)), socket, messages: HashMap::new() })
    }

    /// Writes what waits, reads once, takes the events; `false` once the peer has hung up.
    fn turn(&mut self) -> io::Result<bool> {
        self.flush()?;
        let mut buffer = [0; 16 * 1024];
        let count = self.socket.read(&mut buffer)?;
        let (mut input, mut fields) = (&buffer[..count], Fields::new());
        loop {
            match self.connection.receive(Instant::now(), &mut input, &mut fields) {
                Ok(Some(event)) => self.take(event, &fields),
                Ok(None) => return Ok(count > 0),
                Err(error) => {
                    self.flush()?;
                    return Err(io::Error::other(error));
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.connection.output().is_empty() {
            let written = self.socket.write(self.connection.output())?;
            self.connection.advance_output(written);
            self.connection.pump();
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, fields: &Fields) {
        match event {
            Event::Headers { stream, kind, end_stream, .. } => {
                let message = self.messages.entry(stream).or_default();
                let is_tail = kind == HeadersKind::Trailers;
                let list = if is_tail { &mut message.trailers } else { &mut message.head };
                list.clone_from(fields);
                message.has_ended = end_stream;
            }
            Event::Data { stream, payload, end_stream, .. } => {
                let message = self.messages.entry(stream).or_default();
                message.body.extend_from_slice(payload);
                message.has_ended = end_stream;
                self.connection.release(stream, payload.len() as u32);
            }
            Event::Reset { stream, .. } | Event::StreamError { stream, .. } | Event::Refused { stream, .. } => {
                self.messages.remove(&stream);
            }
            _ => {}
        }
    }

    fn take_ended(&mut self) -> Vec<(StreamId, Message)> {
        self.messages.extract_if(|_, message| message.has_ended).collect()
    }

    fn answer(&mut self, stream: StreamId, message: &Message) {
        let mut head = Fields::new();
        head.push(b":status", b"200");
        for field in message.head.iter().filter(|field| field.name.starts_with(b"x-")) {
            head.push_field(&field);
        }
        let has_trailers = !message.trailers.is_empty();
        self.connection.send_headers(stream, &head, false);
        self.connection.send_data(stream, &message.body, !has_trailers);
        if has_trailers {
            self.connection.send_headers(stream, &message.trailers, true);
        }
    }
}
