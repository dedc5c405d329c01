//! Sockets that were closed while a sidecar stops, until their peers have read what the system still holds for them: a
//! peer that says anything more to a closed socket (window, for what it reads) is reset, and loses the end of its reply.

use mio::net::TcpStream;
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

/// How often they are looked at.
pub(super) const TICK: Duration = Duration::from_millis(20);
/// Silence of a peer that has acknowledged all.
const DONE: Duration = Duration::from_millis(500);
/// Silence of a peer that has not: it takes nothing any more.
const STUCK: Duration = Duration::from_secs(10);
/// No peer is waited for longer.
const MOST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Lingering {
    stream: TcpStream,
    unsent: usize,
    until: Instant,
    moved_at: Instant,
}

// === impl Lingering ===

impl Lingering {
    /// Of a socket whose own side was ended.
    pub(super) fn new(stream: TcpStream, now: Instant) -> Self {
        Self { unsent: unsent(&stream), stream, until: now + MOST, moved_at: now }
    }

    /// Throws away what came; false once nobody waits for anything.
    pub(super) fn look(&mut self, now: Instant, page: &mut [u8]) -> bool {
        match self.stream.read(page) {
            Ok(0) => return false,
            Ok(_) => self.moved_at = now,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return false,
        }
        let unsent = unsent(&self.stream);
        if std::mem::replace(&mut self.unsent, unsent) != unsent {
            self.moved_at = now;
        }
        let patience = if unsent == 0 { DONE } else { STUCK };
        now < (self.moved_at + patience).min(self.until)
    }
}

/// Bytes that the peer's system has not acknowledged (tcp(7), SIOCOUTQ).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn unsent(stream: &TcpStream) -> usize {
    use std::os::fd::AsRawFd;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open, `bytes` is a valid place for one int, and the call keeps no pointer to it.
    let failed = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } != 0;
    if failed { 0 } else { usize::try_from(bytes).unwrap_or(0) }
}

/// Not known here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unsent(_stream: &TcpStream) -> usize {
    0
}
