//! A blocking socket whose every wait ends at the call's deadline.

use super::deadline::Deadline;
use super::error::{Phase, PostError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

/// A connected socket.
pub(super) struct Socket {
    stream: TcpStream,
    pub(super) deadline: Deadline,
}

// === impl Socket ===

impl Socket {
    /// Connects to the first of the addresses behind "host:port" that answers.
    pub(super) fn connect(address: &str, deadline: Deadline) -> Result<Self, PostError> {
        match Self::connect_any(&resolved(address)?, deadline) {
            Ok(stream) => Ok(Self { stream, deadline }),
            Err(cause) if cause.kind() == ErrorKind::TimedOut => {
                Err(PostError::deadline(address, Phase::Connecting, deadline))
            }
            Err(cause) => Err(PostError::Connect { address: address.to_owned(), cause }),
        }
    }

    /// One that does not answer leaves its share of the time to those after it.
    fn connect_any(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
        let mut last = ErrorKind::NotFound.into();
        for (to_try, address) in (1..=addresses.len() as u32).rev().zip(addresses) {
            match TcpStream::connect_timeout(address, deadline.left()? / to_try) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Reads what has come already and waits for nothing; `WouldBlock` where that is nothing.
    pub(super) fn read_at_hand(&mut self, page: &mut [u8]) -> io::Result<usize> {
        self.deadline.left()?;
        self.stream.set_nonblocking(true)?;
        let read = self.stream.read(page);
        self.stream.set_nonblocking(false)?;
        read
    }
}

impl Read for Socket {
    fn read(&mut self, page: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(page).map_err(timed_out)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write_vectored(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Literal addresses need no look-up; a name's is the system's, which keeps to its own times (resolv.conf(5)).
fn resolved(address: &str) -> Result<Vec<SocketAddr>, PostError> {
    let refused = |cause| PostError::Resolve { address: address.to_owned(), cause };
    let found: Vec<SocketAddr> = address.to_socket_addrs().map_err(refused)?.collect();
    if found.is_empty() {
        return Err(refused(io::Error::new(ErrorKind::NotFound, "the name has no address")));
    }
    Ok(found)
}

/// socket(7): a socket's timeout says what a non-blocking socket does.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}
