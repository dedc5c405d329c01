//! An HTTP/2 connection on a non-blocking TCP socket.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use tulle_http2::{Config, Connection};

/// A socket with its codec.
pub struct Link {
    socket: TcpStream,
    /// The codec.
    pub http2: Connection,
}

/// What a read gave.
pub enum Received {
    /// This many bytes; there may be more.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The peer closed.
    Closed,
}

// === impl Link ===

impl Link {
    /// Wraps a connected (or connecting) socket.
    ///
    /// # Errors
    /// TCP_NODELAY cannot be set.
    pub fn new(socket: TcpStream, config: Config) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self { socket, http2: Connection::new(config) })
    }

    /// The socket, to register it.
    pub fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Reads once into `buffer`.
    ///
    /// # Errors
    /// The socket failed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Ok(Received::Closed),
                Ok(length) => return Ok(Received::Bytes(length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Received::Nothing);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes what the codec has, as far as the socket takes it.
    ///
    /// # Errors
    /// The socket failed.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.http2.output().is_empty() {
            match self.socket.write(self.http2.output()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.http2.advance_output(length);
                    self.http2.pump();
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
