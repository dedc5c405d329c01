//! One socket and what readiness is known of it. Polling is edge-triggered: readiness is remembered until it is used up.

use super::tls::Tls;
use crate::worker::Listener;
use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, Write};
use std::time::Duration;

/// Bytes that the system may hold back for a peer that does not read; its default is 4 MiB a connection, out of sight of
/// our own bounds.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 * 1024;

/// Silence after which the system asks, and how often it asks then.
const SILENCE: Duration = Duration::from_secs(10);
const BETWEEN_PROBES: Duration = Duration::from_secs(5);
/// Time without an acknowledgement after which a peer is gone. The system counts a full receive buffer that is not read as
/// such, so it is longer than the minute that a stream may stand still.
#[cfg(any(target_os = "linux", target_os = "android"))]
const VANISHED: Duration = Duration::from_secs(75);

pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) tls: Option<Tls>,
    pub(crate) state: State,
    /// Came in by a listener; its place in the load is given back with it.
    pub(crate) listener: Option<Listener>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer has ended its side: only the end of the stream tells that all has been read.
    pub(crate) read_closed: bool,
    /// Not read while its peer leaves too much of what we say unread.
    pub(crate) paused: bool,
    /// A write failed: it is read to its end, and closed.
    pub(crate) broken: bool,
    /// It is in the list of those that have more to read.
    pub(crate) listed: bool,
}

/// `Connecting => (Handshaking | Open)`, `Handshaking => Open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Handshaking,
    Open,
}

/// What came of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Some(usize),
    Blocked,
    Broken,
}

// === impl Socket ===

impl Socket {
    pub(crate) fn new(stream: TcpStream, tls: Option<Tls>, state: State, listener: Option<Listener>) -> Self {
        tune(&stream);
        Self {
            stream,
            tls,
            state,
            listener,
            readable: false,
            writable: state != State::Connecting,
            read_closed: false,
            paused: false,
            broken: false,
            listed: false,
        }
    }

    /// Writes plaintext output: to the socket, or into TLS, whose ciphertext is written by [`Socket::flush_tls`].
    pub(crate) fn write(&mut self, output: &[u8]) -> Written {
        if let Some(tls) = &mut self.tls {
            let taken = tls.encrypt(output);
            return if taken == 0 { Written::Blocked } else { Written::Some(taken) };
        }
        loop {
            match self.stream.write(output) {
                Ok(0) => return Written::Broken,
                Ok(written) => return Written::Some(written),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => {
                        self.writable = false;
                        return Written::Blocked;
                    }
                    _ => return Written::Broken,
                },
            }
        }
    }

    /// Writes waiting ciphertext.
    pub(crate) fn flush_tls(&mut self) -> Written {
        let Some(tls) = &mut self.tls else { return Written::Some(0) };
        match tls.write_to(&mut self.stream) {
            Ok(()) => Written::Some(0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Written::Blocked
            }
            Err(_) => Written::Broken,
        }
    }

    /// Whether a connect has come through; `None` while it is still on its way.
    pub(crate) fn connected(&self) -> Option<io::Result<()>> {
        match (self.stream.take_error(), self.stream.peer_addr()) {
            (Ok(Some(error)) | Err(error), _) => Some(Err(error)),
            (Ok(None), Ok(_)) => Some(Ok(())),
            (Ok(None), Err(error)) if error.kind() == io::ErrorKind::NotConnected => None,
            (Ok(None), Err(error)) => Some(Err(error)),
        }
    }

    /// Says goodbye as far as the socket takes it; gives the stream whose own side has ended.
    pub(crate) fn close(mut self) -> TcpStream {
        if let Some(tls) = &mut self.tls {
            tls.close();
            let _ = tls.write_to(&mut self.stream);
        }
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        self.stream
    }
}

/// Has the system ask a peer that nobody else asks whether it is still there: one that gets no PING, on another machine,
/// which may vanish without a goodbye. An end comes after [`VANISHED`], with data under way or without.
pub(super) fn notice_vanishing(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let asking = TcpKeepalive::new().with_time(SILENCE).with_interval(BETWEEN_PROBES);
    let _ = socket.set_tcp_keepalive(&asking);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(VANISHED));
}

/// What the system refuses here costs speed or memory, never a call.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    // Without it a small frame waits for the acknowledgement of the last one.
    let _ = socket.set_tcp_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
