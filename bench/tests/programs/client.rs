//! A client that does what it is told and no more, for what the load generator never does.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tulle_http2::{Config, Connection, Event, Fields, Role, StreamId, Token};

/// How long the other end may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is quiet when it says nothing more.
const QUIET: Duration = Duration::from_millis(300);

/// One connection with one stream.
pub(crate) struct Client {
    socket: TcpStream,
    http2: Connection,
    stream: StreamId,
    status: Option<String>,
}

// === impl Client ===

impl Client {
    /// Opens a stream for `path`, with a header more.
    pub(crate) fn open(address: &str, path: &str, header: (&str, &str)) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        let mut http2 = Connection::new(Config::new(Role::Client));
        let mut head = Fields::new();
        let always = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "a")];
        for (name, value) in always.into_iter().chain([header]) {
            head.push(name.as_bytes(), value.as_bytes());
        }
        let stream = http2.open(Token(0), &head, false).unwrap();
        Self { socket, http2, stream, status: None }
    }

    pub(crate) fn send(&mut self, bytes: &[u8], ends: bool) {
        self.http2.send_data(self.stream, bytes, ends);
        self.write();
    }

    /// The grpc-status, once it has come.
    pub(crate) fn status(&mut self) -> String {
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        while self.status.is_none() {
            assert!(self.read(), "nothing came");
        }
        self.status.take().unwrap()
    }

    /// Sends `message` until the server gives no more window, giving it none for its answers; says how many bytes went.
    pub(crate) fn send_all_that_is_let(&mut self, message: &[u8], most: usize) -> usize {
        self.socket.set_read_timeout(Some(QUIET)).unwrap();
        let mut sent = 0;
        while sent < most {
            if self.http2.queued(self.stream) == 0 {
                sent += message.len();
                self.send(message, false);
            } else if !self.read() {
                return sent;
            }
        }
        sent
    }

    fn write(&mut self) {
        while !self.http2.output().is_empty() {
            let written = self.socket.write(self.http2.output()).unwrap();
            self.http2.advance_output(written);
            self.http2.pump();
        }
    }

    /// False when nothing came in time.
    fn read(&mut self) -> bool {
        let (mut buffer, mut fields) = ([0; 4096], Fields::new());
        let length = match self.socket.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => panic!("{error}"),
        };
        let mut input = &buffer[..length];
        while let Some(event) = self.http2.receive(Instant::now(), &mut input, &mut fields).unwrap() {
            if let Event::Headers { .. } = event {
                self.status = fields.get(b"grpc-status").map(|status| String::from_utf8(status.to_vec()).unwrap());
            }
        }
        self.write();
        length > 0
    }
}
