//! A caller that reads its reply slowly while its sidecar stops, on a socket with next to no room.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tulle_http2::{Config, Connection, Event, Fields, Role, StreamId, Token};

const LIST: [(&str, &str); 6] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/t.Echo/Large"),
    (":authority", "echo.shop"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

pub(crate) struct SlowReader {
    socket: TcpStream,
    codec: Connection,
    stream: StreamId,
    pub(crate) bytes: usize,
    pub(crate) status: Option<String>,
}

impl SlowReader {
    /// Calls, and has read the first few bytes of the reply.
    pub(crate) fn call(address: &str) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
        let address: SocketAddr = address.parse().expect("an address");
        socket.connect(&address.into()).expect("connected");
        let mut codec = Connection::new(Config { stream_window: 1 << 20, ..Config::new(Role::Client) });
        let mut head = Fields::new();
        LIST.iter().for_each(|(name, value)| head.push(name.as_bytes(), value.as_bytes()));
        let stream = codec.open(Token(1), &head, false).expect("a stream");
        codec.send_data(stream, b"x", true);
        let mut caller = Self { socket: socket.into(), codec, stream, bytes: 0, status: None };
        caller.write();
        while caller.bytes == 0 {
            assert!(caller.read(1024), "the reply begins");
        }
        caller
    }

    /// Reads the rest a piece at a time.
    pub(crate) fn read_slowly(&mut self, piece: usize, pause: Duration) {
        while self.status.is_none() && self.read(piece) {
            std::thread::sleep(pause);
        }
    }

    fn read(&mut self, most: usize) -> bool {
        let mut page = vec![0; most];
        let Ok(length @ 1..) = self.socket.read(&mut page) else { return false };
        let (mut input, mut fields) = (&page[..length], Fields::new());
        while let Some(event) = self.codec.receive(Instant::now(), &mut input, &mut fields).expect("the rules") {
            match event {
                Event::Data { payload, .. } => {
                    self.bytes += payload.len();
                    self.codec.release(self.stream, payload.len() as u32);
                }
                Event::Headers { .. } => {
                    let status = fields.get(b"grpc-status");
                    self.status = status.map(|status| String::from_utf8_lossy(status).into_owned());
                }
                _ => {}
            }
        }
        self.write();
        true
    }

    /// What the socket no longer takes is not missed: the sidecar may have closed its side.
    fn write(&mut self) {
        let _ = self.socket.write_all(self.codec.output());
        let length = self.codec.output().len();
        self.codec.advance_output(length);
        self.codec.pump();
        if !self.codec.output().is_empty() {
            self.write();
        }
    }
}
