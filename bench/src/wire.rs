//! A non-blocking TCP socket, in plaintext or under TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use rustls::Connection;

/// Bytes that load and backend read at once.
const READ: usize = 64 * 1024;
/// What the end of a record, begun in the read before, may add to what one read comes to.
const RECORD: usize = 17 * 1024;
/// Ciphertext that waits for the socket, at most.
const BUFFER_LIMIT: usize = 256 * 1024;

/// Where bytes are read to; one serves all wires of a thread.
pub struct Buffers {
    plain: Vec<u8>,
    cipher: Vec<u8>,
}

/// A socket, and what encrypts on it.
pub struct Wire {
    socket: TcpStream,
    tls: Option<Box<Connection>>,
    /// The peer has said that no more comes.
    ended: bool,
    /// The last read took all that the socket had.
    drained: bool,
    /// `Open => Closing => Closed`: nothing more is written; the rest is still leaving; FIN is sent.
    ours: Ours,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// This many bytes; there may be more.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The peer sends no more.
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ours {
    Open,
    Closing,
    Closed,
}

// === impl Buffers ===

impl Default for Buffers {
    fn default() -> Self {
        Self::of(READ)
    }
}

impl Buffers {
    /// Room for `read` bytes at once.
    #[must_use]
    pub fn of(read: usize) -> Self {
        Self { plain: vec![0; read + RECORD], cipher: vec![0; read] }
    }

    /// The first `length` bytes of what was read last.
    #[inline]
    #[must_use]
    pub fn bytes(&self, length: usize) -> &[u8] {
        &self.plain[..length]
    }
}

// === impl Wire ===

impl Wire {
    /// Wraps a connected (or connecting) socket.
    ///
    /// # Errors
    /// TCP_NODELAY cannot be set.
    pub fn new(socket: TcpStream, tls: Option<Connection>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let tls = tls.map(|mut session| {
            session.set_buffer_limit(Some(BUFFER_LIMIT));
            Box::new(session)
        });
        Ok(Self { socket, tls, ended: false, drained: false, ours: Ours::Open })
    }

    /// The socket, to register it.
    pub fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Reads once; the bytes are in `buffers`.
    ///
    /// # Errors
    /// The socket failed, or what came is not TLS that this end takes; its alert is sent.
    pub fn read(&mut self, buffers: &mut Buffers) -> io::Result<Received> {
        if self.ended {
            return Ok(Received::Closed);
        }
        if self.tls.is_none() {
            let read = buffers.cipher.len();
            return self.receive(&mut buffers.plain[..read]);
        }
        loop {
            let length = match self.receive(&mut buffers.cipher)? {
                Received::Bytes(length) => length,
                // FIN without close_notify ends TLS as well: the codec above sees for itself what it misses.
                other => {
                    self.ended = other == Received::Closed;
                    return Ok(other);
                }
            };
            let filled = self.decrypt(&buffers.cipher[..length], &mut buffers.plain);
            // Also what a failed handshake has to say, and what one that goes on does.
            let flushed = self.flush();
            match filled? {
                0 if self.ended => return Ok(Received::Closed),
                0 => flushed?,
                bytes => return Ok(Received::Bytes(bytes)),
            }
        }
    }

    /// Writes as much of `bytes` as may leave now or is kept as ciphertext; says how many that were.
    ///
    /// # Errors
    /// The socket failed.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return send(&mut self.socket, bytes) };
        let taken = tls.writer().write(bytes)?;
        self.flush()?;
        Ok(taken)
    }

    /// Writes the ciphertext that waits, then FIN where it is due.
    ///
    /// # Errors
    /// The socket failed.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(_) => {}
                    Err(error) if is_later(&error) => return Ok(()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if self.ours == Ours::Closing {
            self.ours = Ours::Closed;
            self.socket.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }

    /// Says that no more is written: under TLS by a close_notify, then by FIN once all has left.
    ///
    /// # Errors
    /// The socket failed.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.ours == Ours::Open {
            self.ours = Ours::Closing;
            if let Some(tls) = &mut self.tls {
                tls.send_close_notify();
            }
        }
        self.flush()
    }

    /// Whether the last read left nothing to say: the socket tells again when more comes (epoll(7), Q9).
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drained && !self.ended
    }

    /// Whether ciphertext waits for the socket.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Whether the handshake goes on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether FIN was sent.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ours == Ours::Closed
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let received = receive(&mut self.socket, buffer)?;
        self.drained = !matches!(received, Received::Bytes(length) if length == buffer.len());
        Ok(received)
    }

    fn decrypt(&mut self, mut input: &[u8], plain: &mut [u8]) -> io::Result<usize> {
        let (Some(tls), mut filled) = (&mut self.tls, 0) else { return Ok(0) };
        while !input.is_empty() && !self.ended {
            tls.read_tls(&mut input)?;
            tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            loop {
                match tls.reader().read(&mut plain[filled..]) {
                    Ok(0) => {
                        self.ended = true;
                        break;
                    }
                    Ok(bytes) => filled += bytes,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(filled)
    }
}

fn receive(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Received> {
    loop {
        match socket.read(buffer) {
            Ok(0) => return Ok(Received::Closed),
            Ok(length) => return Ok(Received::Bytes(length)),
            Err(error) if is_later(&error) => return Ok(Received::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn send(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.write(bytes) {
            Ok(0) if !bytes.is_empty() => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => return Ok(length),
            Err(error) if is_later(&error) => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A socket that is still connecting says `NotConnected`.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
