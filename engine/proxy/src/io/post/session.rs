//! One connection to the control plane: HTTP/2 on TLS on a socket, driven by the calls made on it.

use super::answer::{Answer, State};
use super::deadline::Deadline;
use super::error::{Phase, PostError};
use super::request::Request;
use super::socket::Socket;
use crate::io::tls::{CONTROL_PLANE, Tls, TlsError};
use rustls::ClientConfig;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Instant;
use tulle_http2::{Config, Connection, ConnectionError, ErrorCode, Event, Fields, Role, StreamId, Token};

/// Answers are short; between two calls a connection keeps no page.
const PAGE: usize = 4096;
/// Nothing of ours has to be told apart: one call at a time.
const TOKEN: Token = Token(0);

/// A connection, made for one address and with one generation of the identity.
pub(super) struct Session {
    socket: Socket,
    tls: Tls,
    http2: Connection,
    fields: Fields,
    address: String,
    config: Arc<ClientConfig>,
}

/// What a call came to.
pub(super) enum Ending {
    /// It was answered, or failed for good.
    Final(Result<(), PostError>),
    /// The connection had ended before anything of an answer came: another one may do.
    Again(PostError),
}

/// Why a connection cannot go on.
enum Fault {
    Socket(io::Error),
    Tls(TlsError),
    Http2(ConnectionError),
}

// === impl Ending ===

impl Ending {
    pub(super) fn into_result(self) -> Result<(), PostError> {
        match self {
            Self::Final(result) => result,
            Self::Again(error) => Err(error),
        }
    }

    /// Whether another call may follow on the connection: only after an answer.
    pub(super) fn leaves_connection(&self) -> bool {
        matches!(self, Self::Final(Ok(()) | Err(PostError::Refused { .. })))
    }
}

// === impl Session ===

impl Session {
    /// Connects, and shakes hands with whoever proves to be the control plane.
    pub(super) fn open(address: &str, config: Arc<ClientConfig>, deadline: Deadline) -> Result<Self, PostError> {
        let socket = Socket::connect(address, deadline)?;
        let refused = |error: TlsError| Fault::Tls(error).told(address, Phase::Handshake, deadline);
        let tls = Tls::control_plane(config.clone()).map_err(refused)?;
        let (http2, fields) = (Connection::new(Config::new(Role::Client)), Fields::new());
        let mut made = Self { socket, tls, http2, fields, address: address.to_owned(), config };
        made.shake_hands().map_err(|fault| fault.told(address, Phase::Handshake, deadline))?;
        Ok(made)
    }

    /// Whether this is a connection to `address` with the identity in force.
    pub(super) fn fits(&self, address: &str, config: &Arc<ClientConfig>) -> bool {
        self.address == address && Arc::ptr_eq(&self.config, config)
    }

    /// Takes what came since the last call; None where that was the connection's end.
    pub(super) fn caught_up(mut self, deadline: Deadline) -> Option<Self> {
        self.socket.deadline = deadline;
        let mut page = [0; PAGE];
        loop {
            match self.socket.read_at_hand(&mut page) {
                Ok(0) => return None,
                Ok(length) => self.take(&page[..length], None).ok()?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        (self.http2.capacity() > 0).then_some(self)
    }

    /// Makes one call and waits for its answer, until the deadline that the connection was opened or taken up with.
    pub(super) fn call(&mut self, request: &Request<'_>) -> Ending {
        request.write_head(CONTROL_PLANE, self.socket.deadline, &mut self.fields);
        let stream = match self.http2.open(TOKEN, &self.fields, false) {
            Ok(stream) => stream,
            Err(error) => return Ending::Again(self.lost(&error.to_string())),
        };
        self.http2.send_data(stream, &request.framed(), true);
        let mut answer = Answer::to(stream);
        let exchanged = self.exchange(&mut answer);
        match (exchanged, answer.into_state()) {
            (_, State::Over(result)) => {
                self.tidy(stream);
                Ending::Final(result)
            }
            (_, State::NeverSeen(cause)) => Ending::Again(self.lost(cause)),
            (Err(fault), state) => self.broken_off(stream, &state, &fault),
            (Ok(()), _) => Ending::Final(Err(self.lost("the answer has no end"))),
        }
    }

    /// A write that fails decides nothing: the answer, or an alert that says why, may lie in the socket already. Reading
    /// goes on to where that ends.
    fn exchange(&mut self, answer: &mut Answer) -> Result<(), Fault> {
        let mut writes = true;
        while !answer.is_complete() {
            if writes {
                match self.flush() {
                    Err(Fault::Socket(error)) if error.kind() != ErrorKind::TimedOut => writes = false,
                    flushed => flushed?,
                }
            }
            self.read(Some(answer))?;
        }
        Ok(())
    }

    fn shake_hands(&mut self) -> Result<(), Fault> {
        self.tls.write_to(&mut self.socket)?;
        while self.tls.is_handshaking() {
            self.read(None)?;
            self.tls.write_to(&mut self.socket)?;
        }
        self.tls.peer()?;
        Ok(())
    }

    /// Writes all that HTTP/2 has to say within the windows.
    fn flush(&mut self) -> Result<(), Fault> {
        while !self.http2.output().is_empty() {
            self.http2.offer_output();
            let taken = self.tls.encrypt(self.http2.output());
            self.http2.advance_output(taken);
            self.http2.pump();
            self.tls.write_to(&mut self.socket)?;
        }
        Ok(self.tls.write_to(&mut self.socket)?)
    }

    fn read(&mut self, answer: Option<&mut Answer>) -> Result<(), Fault> {
        let mut page = [0; PAGE];
        match self.socket.read(&mut page) {
            Ok(0) => Err(Fault::Socket(io::Error::new(ErrorKind::UnexpectedEof, "the control plane closed it"))),
            Ok(length) => self.take(&page[..length], answer),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn take(&mut self, mut input: &[u8], mut answer: Option<&mut Answer>) -> Result<(), Fault> {
        while !input.is_empty() {
            let fed = self.tls.feed(&mut input);
            if fed.is_err() {
                // What is left to send is the alert; whether it arrives changes nothing.
                let _ = self.tls.write_to(&mut self.socket);
            }
            // What came before the fault is whole and true.
            self.take_plaintext(answer.as_deref_mut())?;
            fed?;
        }
        Ok(())
    }

    fn take_plaintext(&mut self, mut answer: Option<&mut Answer>) -> Result<(), Fault> {
        let mut page = [0; PAGE];
        let now = Instant::now();
        loop {
            let length = self.tls.plaintext(&mut page);
            let mut plain = &page[..length];
            while let Some(event) = self.http2.receive(now, &mut plain, &mut self.fields)? {
                if let Some(answer) = answer.as_deref_mut() {
                    answer.take(&event, &self.fields);
                }
                if let Event::Data { stream, payload, .. } = event {
                    self.http2.release(stream, payload.len() as u32);
                }
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// An answer may come before all of the request has gone: the rest of it is taken back.
    fn tidy(&mut self, stream: StreamId) {
        if self.http2.is_live(stream) {
            self.http2.reset(stream, ErrorCode::CANCEL);
        }
        // Also acknowledges what came with the answer. Where this fails, the next call finds out.
        let _ = self.flush();
        self.http2.trim();
    }

    fn broken_off(&self, stream: StreamId, state: &State, fault: &Fault) -> Ending {
        let sending = self.http2.queued(stream) > 0 || self.tls.wants_write();
        let phase = if sending { Phase::Sending } else { Phase::Answer };
        let error = fault.told(&self.address, phase, self.socket.deadline);
        match (&error, state) {
            (PostError::Lost { .. }, State::Nothing) => Ending::Again(error),
            _ => Ending::Final(Err(error)),
        }
    }

    fn lost(&self, cause: &str) -> PostError {
        PostError::Lost { address: self.address.clone(), cause: cause.to_owned() }
    }
}

// === impl Fault ===

impl Fault {
    fn told(&self, address: &str, phase: Phase, deadline: Deadline) -> PostError {
        let to = address.to_owned();
        match self {
            Self::Socket(error) if error.kind() == ErrorKind::TimedOut => PostError::deadline(address, phase, deadline),
            Self::Socket(error) => PostError::Lost { address: to, cause: error.to_string() },
            Self::Tls(error) => {
                PostError::Tls { address: to, cause: error.to_string().trim_start_matches("tls: ").to_owned() }
            }
            Self::Http2(error) => PostError::Lost { address: to, cause: error.to_string() },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl From<TlsError> for Fault {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<ConnectionError> for Fault {
    fn from(error: ConnectionError) -> Self {
        Self::Http2(error)
    }
}
