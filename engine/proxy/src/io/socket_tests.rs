//! What the system is asked to do for a socket.

use super::{BETWEEN_PROBES, SILENCE, Socket, State, VANISHED, notice_vanishing};
use crate::worker::Listener;
use mio::net::TcpStream;
use socket2::SockRef;

fn connected() -> (TcpStream, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("on its way");
    (stream, listener)
}

#[test]
fn small_frames_wait_for_no_acknowledgement_on_either_side() {
    for listener in [None, Some(Listener::Inbound), Some(Listener::Outbound)] {
        let (stream, _held) = connected();
        let socket = Socket::new(stream, None, State::Connecting, listener);
        assert!(socket.stream.nodelay().expect("an answer"));
    }
}

#[test]
fn the_system_asks_whether_a_peer_is_there_that_nobody_else_asks() {
    let (stream, _held) = connected();
    notice_vanishing(&stream);
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().expect("an answer"));
    let times = (socket.tcp_keepalive_time().expect("an answer"), socket.tcp_keepalive_interval().expect("an answer"));
    assert_eq!(times, (SILENCE, BETWEEN_PROBES));
    assert_eq!(socket.tcp_user_timeout().expect("an answer"), Some(VANISHED));
}
