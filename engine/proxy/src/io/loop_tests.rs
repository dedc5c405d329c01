//! A worker's loop on real sockets, turn by turn: readiness is the system's, the clock is moved by hand.

#[path = "../../tests/support/policy.rs"]
#[allow(dead_code)]
mod policy;

use super::{Loop, WAKER};
use crate::identity::Identity;
use crate::io::shared::{Command, Descriptors, Published, Purpose, WorkerHandle};
use crate::settings::Settings;
use crate::worker::{Listener, Worker};
use mio::{Events, Poll, Waker};
use policy::Policy;
use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tulle_http2::{Config, Connection, Event, Fields, Role, StreamId, Token};
use tulle_mesh::wire;

/// Turns after which what has not happened never will.
const MOST_TURNS: usize = 500;
const OUTBOUND: Listener = Listener::Outbound;

struct Rig {
    own: Loop,
    events: Events,
    now: Instant,
    listener: TcpListener,
}

/// A gRPC peer of the loop: one socket, one codec.
struct Peer {
    socket: TcpStream,
    codec: Connection,
    ended: bool,
    /// Bytes and status by stream.
    heard: HashMap<StreamId, (usize, String)>,
}

impl Rig {
    fn new(policy: &Policy, descriptors: usize, events: usize) -> Self {
        let poll = Poll::new().expect("a poll");
        let handle = Arc::new(WorkerHandle::new(Waker::new(poll.registry(), WAKER).expect("a waker")));
        let config = crate::proto::EngineConfig {
            inbound_listen: "127.0.0.1:0".into(),
            inbound_plaintext: true,
            application: "127.0.0.1:1".into(),
            ..policy::config()
        };
        let settings = Arc::new(Settings::try_from(config).expect("a good config"));
        let now = Instant::now();
        let worker = Worker::new(settings, now, 1, 42);
        let published = Arc::new(Published::default());
        published.publish(Arc::new(wire::decode(&policy.bytes(), None).expect("a good snapshot")));
        let identity = Arc::new(Identity::open(None).expect("an identity to come"));
        let descriptors = Arc::new(Descriptors::of(descriptors));
        let own = Loop::new(poll, worker, handle, published, identity, descriptors);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self { own, events: Events::with_capacity(events), now, listener }
    }

    /// A connection that the acceptor hands over; it is taken in the next turn. None where it has no place.
    fn socket(&self, listener: Listener) -> Option<TcpStream> {
        let socket = TcpStream::connect(self.listener.local_addr().expect("an address")).expect("connected");
        let (stream, _) = self.listener.accept().expect("accepted");
        stream.set_nonblocking(true).expect("non-blocking");
        if !self.own.descriptors.take(Purpose::Accepted(listener)) {
            return None;
        }
        self.own.handle.load.fetch_add(1, Relaxed);
        self.own.handle.send(Command::Accepted { stream, listener }).expect("sent");
        Some(socket)
    }

    /// As `socket`, of a peer that begins at once.
    fn connect(&self, listener: Listener) -> Option<Peer> {
        self.socket(listener).map(|socket| Peer::new(socket, Role::Client))
    }

    /// Ten connections that have said nothing for almost as long as they may.
    fn slow(&mut self) -> Vec<TcpStream> {
        let slow = (0..10).map(|_| self.socket(OUTBOUND).expect("a place")).collect();
        self.turn();
        for _ in 0..99 {
            self.turn_after(Duration::from_millis(100));
        }
        assert_eq!(self.own.worker.connection_count(), 10);
        slow
    }

    fn turn(&mut self) {
        assert!(self.own.wait(&mut self.events, Some(Duration::from_millis(1))));
        self.own.turn(&mut self.events, self.now);
    }

    /// A turn that so much later finds what lies in the sockets by now.
    fn turn_after(&mut self, by: Duration) {
        self.now += by;
        self.turn();
    }

    fn turn_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..MOST_TURNS {
            if done(self) {
                return;
            }
            self.turn_after(Duration::from_millis(5));
        }
        panic!("it never happens");
    }

    fn open(&self) -> usize {
        self.own.descriptors.open()
    }
}

impl Peer {
    fn new(socket: TcpStream, role: Role) -> Self {
        socket.set_nonblocking(true).expect("non-blocking");
        socket.set_nodelay(true).expect("no delay");
        let mut new = Self { socket, codec: Connection::new(Config::new(role)), ended: false, heard: HashMap::new() };
        new.say();
        new
    }

    fn say(&mut self) {
        while !self.codec.output().is_empty() {
            let Ok(written) = self.socket.write(self.codec.output()) else { return };
            self.codec.advance_output(written);
            self.codec.pump();
        }
    }

    fn hear(&mut self) {
        let mut page = [0; 4096];
        let mut fields = Fields::new();
        loop {
            match self.socket.read(&mut page) {
                Ok(0) => return self.ended = true,
                Ok(length) => {
                    let mut input = &page[..length];
                    while let Ok(Some(event)) = self.codec.receive(Instant::now(), &mut input, &mut fields) {
                        note(&mut self.heard, &event, &fields);
                    }
                }
                Err(error) => return self.ended |= error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    fn call(&mut self, method: &str) -> StreamId {
        let mut fields = Fields::new();
        let path = format!("/t.Echo/{method}");
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", &path),
            (":authority", "echo.shop"),
            ("te", "trailers"),
        ] {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        let stream = self.codec.open(Token(1), &fields, true).expect("a stream");
        self.say();
        stream
    }

    fn hears_of(&mut self, stream: StreamId) -> bool {
        self.hear();
        self.heard.contains_key(&stream)
    }

    fn answer(&mut self, stream: StreamId, body: &[u8]) {
        self.codec.send_headers(stream, &fields(&[(":status", "200"), ("content-type", "application/grpc")]), false);
        self.codec.send_data(stream, body, false);
        self.codec.send_headers(stream, &fields(&[("grpc-status", "0")]), true);
        self.say();
    }

    fn is_served(&mut self) -> bool {
        self.hear();
        self.codec.settings_received() && !self.ended
    }
}

fn note(heard: &mut HashMap<StreamId, (usize, String)>, event: &Event<'_>, fields: &Fields) {
    match *event {
        Event::Headers { stream, .. } => {
            let status = fields.get(b"grpc-status").map(|status| String::from_utf8_lossy(status).into_owned());
            heard.entry(stream).or_default().1 = status.unwrap_or_default();
        }
        Event::Data { stream, payload, .. } => heard.entry(stream).or_default().0 += payload.len(),
        _ => {}
    }
}

fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

/// An address at which every connection is refused, as long as this lives.
fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).expect("a free port");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
    (socket, address)
}

#[test]
fn as_many_openings_as_closings_in_one_turn_leave_nothing_open() {
    let (_held, addresses): (Vec<_>, Vec<_>) = (0..20).map(|_| refusing()).unzip();
    let mut rig = Rig::new(&Policy::to(&addresses), 1_000, 1024);
    let mut caller = rig.connect(OUTBOUND).expect("a place");
    rig.turn_until(|_| caller.is_served());
    for _ in 0..20 {
        caller.call("Unary");
    }
    rig.turn_until(|rig| rig.open() > 1);
    // The refusals lie in the next turn, and so do these.
    let mut fresh: Vec<_> = (0..20).map(|_| rig.connect(OUTBOUND).expect("a place")).collect();
    rig.turn_until(|rig| rig.own.worker.calls_in_flight() == 0);
    for peer in &mut fresh {
        rig.turn_until(|_| peer.is_served());
    }
    assert_eq!((rig.open(), rig.own.worker.connection_count()), (21, 21));
    drop((caller, fresh));
    rig.turn_until(|rig| rig.own.worker.connection_count() == 0);
    assert_eq!((rig.open(), rig.own.handle.load.load(Relaxed)), (0, 0));
}

/// Of ten connections, those that live after they have begun in time and their time is over when they are read.
fn begun_in_time(events: usize) -> usize {
    let mut rig = Rig::new(&Policy::to(&[refusing().1]), 1_000, events);
    let mut slow = rig.slow();
    for socket in &mut slow {
        socket.write_all(Connection::new(Config::new(Role::Client)).output()).expect("written");
    }
    rig.turn_after(Duration::from_millis(200));
    rig.turn();
    rig.own.worker.connection_count()
}

#[test]
fn what_lies_in_a_socket_is_read_before_the_clock_judges() {
    assert_eq!(begun_in_time(1024), 10);
}

#[test]
fn more_than_one_list_of_readiness_is_read_before_the_clock_judges() {
    assert_eq!(begun_in_time(2), 10);
}

#[test]
fn who_said_nothing_in_time_is_judged() {
    let mut rig = Rig::new(&Policy::to(&[refusing().1]), 1_000, 1024);
    let _slow = rig.slow();
    rig.turn_after(Duration::from_millis(200));
    assert_eq!(rig.own.worker.connection_count(), 0);
}

#[test]
fn a_flood_of_strangers_leaves_places_for_the_applications_own_calls() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut rig = Rig::new(&Policy::to(&[server.local_addr().expect("an address")]), 40, 1024);
    let flood: Vec<_> = (0..100).map_while(|_| rig.socket(Listener::InboundPlaintext)).collect();
    assert_eq!(flood.len(), 30, "strangers have three quarters");
    let mut caller = rig.connect(OUTBOUND).expect("a place of the application's");
    rig.turn_until(|_| caller.is_served());
    caller.call("Unary");
    server.set_nonblocking(true).expect("non-blocking");
    rig.turn_until(|_| server.accept().is_ok());
}

#[test]
fn an_application_that_connects_without_end_leaves_places_to_connect_for_it() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut rig = Rig::new(&Policy::to(&[server.local_addr().expect("an address")]), 40, 1024);
    let mut callers: Vec<_> = (0..100).map_while(|_| rig.connect(OUTBOUND)).collect();
    assert_eq!(callers.len(), 35);
    let caller = &mut callers[34];
    rig.turn_until(|_| caller.is_served());
    caller.call("Unary");
    server.set_nonblocking(true).expect("non-blocking");
    rig.turn_until(|_| server.accept().is_ok());
}

#[test]
fn a_place_that_was_given_back_is_taken_again() {
    let mut rig = Rig::new(&Policy::to(&[refusing().1]), 4, 1024);
    for _ in 0..20 {
        let peer = rig.connect(OUTBOUND).expect("a place");
        rig.turn_until(|rig| rig.own.worker.connection_count() == 1);
        drop(peer);
        rig.turn_until(|rig| rig.own.worker.connection_count() == 0);
    }
    assert_eq!(rig.open(), 0);
}

#[test]
fn what_a_peer_said_before_it_reset_the_connection_is_read_to_its_end() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut rig = Rig::new(&Policy::to(&[server.local_addr().expect("an address")]), 1_000, 1024);
    rig.own.page = vec![0; 4096].into_boxed_slice();
    let mut caller = rig.connect(OUTBOUND).expect("a place");
    rig.turn_until(|_| caller.is_served());
    let answered = caller.call("Unary");
    rig.turn_until(|rig| rig.open() == 2);
    let mut peer = Peer::new(server.accept().expect("accepted").0, Role::Server);
    rig.turn_until(|_| peer.hears_of(answered));
    // Bytes that it leaves unread make the end of the connection a reset.
    caller.call("Unary");
    rig.turn();
    rig.turn();
    peer.answer(answered, &[7; 30_000]);
    drop(peer);
    // What is written behind it is told so before all of the answer has been read.
    caller.call("Unary");
    rig.turn_until(|_| caller.hears_of(answered) && !caller.heard[&answered].1.is_empty());
    assert_eq!(caller.heard[&answered], (30_000, "0".into()));
}
