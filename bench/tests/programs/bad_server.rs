//! A server that does one thing wrong, so that it can be seen whether it is noticed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;

use tulle_http2::{Config, Connection, ErrorCode, Event, Fields, Role, StreamId};

/// What it does with a whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The last byte of the answer is another one.
    WrongByte,
    /// A byte more comes back.
    ByteMore,
    /// No message comes back.
    NoMessage,
    /// Two halves of the request change places.
    Swapped,
    /// Each answer goes to the next call, whose answer goes to this one.
    Crossed,
    Status(u32),
    NoStatus,
    HttpStatus(u32),
    Reset(u32),
    /// The connection is dropped.
    Drops,
    /// The server ends its side of the connection and goes on reading.
    HalfCloses,
    /// Every second connection is never answered.
    EverySecondSilent,
}

/// One connection.
struct Serving {
    socket: TcpStream,
    http2: Connection,
    fault: Fault,
    /// Requests that have not come whole, or that wait for a partner.
    requests: Vec<(StreamId, Vec<u8>)>,
    waiting: Option<(StreamId, Vec<u8>)>,
}

/// Serves on a free port in threads that end with the test; gives the address.
pub(crate) fn serve(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let fault = match fault {
                Fault::EverySecondSilent if number % 2 == 0 => Fault::Status(0),
                fault => fault,
            };
            std::thread::spawn(move || Serving::new(socket.unwrap(), fault).serve());
        }
    });
    address
}

// === impl Serving ===

impl Serving {
    fn new(socket: TcpStream, fault: Fault) -> Self {
        let http2 = Connection::new(Config::new(Role::Server));
        Self { socket, http2, fault, requests: Vec::new(), waiting: None }
    }

    fn serve(mut self) {
        let (mut buffer, mut fields) = (vec![0; 64 * 1024], Fields::new());
        loop {
            let output = self.http2.output().to_vec();
            self.http2.advance_output(output.len());
            if self.socket.write_all(&output).is_err() {
                return;
            }
            let Ok(length @ 1..) = self.socket.read(&mut buffer) else { return };
            let mut input = &buffer[..length];
            while let Ok(Some(event)) = self.http2.receive(Instant::now(), &mut input, &mut fields) {
                if !self.on(event) {
                    return;
                }
            }
        }
    }

    /// False when the connection is to be dropped.
    fn on(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Headers { stream, .. } => self.requests.push((stream, Vec::new())),
            Event::Data { stream, payload, end_stream, .. } => {
                self.http2.release(stream, payload.len() as u32);
                let place = self.requests.iter().position(|request| request.0 == stream).unwrap();
                self.requests[place].1.extend_from_slice(payload);
                if end_stream {
                    let (stream, request) = self.requests.remove(place);
                    return self.answer(stream, request);
                }
            }
            _ => {}
        }
        true
    }

    fn answer(&mut self, stream: StreamId, mut request: Vec<u8>) -> bool {
        match self.fault {
            Fault::Drops => return false,
            Fault::HalfCloses => self.socket.shutdown(Shutdown::Write).unwrap(),
            Fault::EverySecondSilent => {}
            Fault::Reset(code) => self.http2.reset(stream, ErrorCode(code)),
            Fault::WrongByte => {
                *request.last_mut().unwrap() ^= 1;
                self.send(stream, &request, 200, Some(0));
            }
            Fault::ByteMore => {
                request.push(0);
                self.send(stream, &request, 200, Some(0));
            }
            Fault::Swapped => {
                let half = request.len() / 2;
                request.rotate_left(half);
                self.send(stream, &request, 200, Some(0));
            }
            Fault::NoMessage => self.send(stream, &[], 200, Some(0)),
            Fault::Status(status) => self.send(stream, &request, 200, Some(status)),
            Fault::NoStatus => self.send(stream, &request, 200, None),
            Fault::HttpStatus(status) => self.send(stream, &[], status, None),
            Fault::Crossed => match self.waiting.take() {
                None => self.waiting = Some((stream, request)),
                Some((other, others)) => {
                    self.send(other, &request, 200, Some(0));
                    self.send(stream, &others, 200, Some(0));
                }
            },
        }
        true
    }

    fn send(&mut self, stream: StreamId, message: &[u8], http: u32, grpc: Option<u32>) {
        let (mut head, mut trailers) = (Fields::new(), Fields::new());
        head.push(b":status", http.to_string().as_bytes());
        self.http2.send_headers(stream, &head, false);
        self.http2.send_data(stream, message, false);
        match grpc {
            Some(status) => trailers.push(b"grpc-status", status.to_string().as_bytes()),
            None => trailers.push(b"x-none", b"1"),
        }
        self.http2.send_headers(stream, &trailers, true);
    }
}
