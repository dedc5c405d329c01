//! From a socket to the worker: read, decrypted where there is TLS, a page a turn.

use super::poll::Loop;
use super::socket::{Socket, State, Written};
use super::tls::{Tls, TlsError};
use crate::worker::ConnectionKey;
use std::io::{self, Read};
use tulle_mesh::telemetry::CounterName;

impl Loop {
    pub(super) fn read_ready(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        for key in ready.drain(..) {
            self.contained(|own| own.read(key));
            let wanted = self.worker.wants_input(ConnectionKey(key));
            if let Some(Some(socket)) = self.sockets.get_mut(key as usize) {
                if socket.broken && !wanted {
                    self.worker.closed(ConnectionKey(key));
                }
                socket.paused = !wanted;
                socket.listed = socket.readable && wanted && socket.state != State::Connecting;
                if socket.listed {
                    self.ready.push(key);
                }
            }
        }
    }

    /// The peer has read on: so do we.
    pub(super) fn resume_reading(&mut self, key: u32) {
        let wanted = self.worker.wants_input(ConnectionKey(key));
        if let Some(Some(socket)) = self.sockets.get_mut(key as usize)
            && socket.paused
            && wanted
        {
            socket.paused = false;
            if socket.readable && !socket.listed {
                socket.listed = true;
                self.ready.push(key);
            }
        }
    }

    /// The socket takes no more. What its peer said last may still lie in it (an answer, a GOAWAY, an alert), and is read
    /// before the connection is given up; a reset leaves it there (tcp(7)).
    pub(super) fn write_broke(&mut self, key: u32) {
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        (socket.broken, socket.writable) = (true, false);
        if socket.paused {
            return self.worker.closed(ConnectionKey(key));
        }
        (socket.readable, socket.read_closed) = (true, true);
        if !socket.listed {
            socket.listed = true;
            self.ready.push(key);
        }
    }

    /// One read of at most a page.
    fn read(&mut self, key: u32) {
        self.worker.at_hand = Some(ConnectionKey(key));
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        if socket.state == State::Connecting || !socket.readable || socket.paused {
            return;
        }
        match socket.stream.read(&mut self.page) {
            Ok(0) => {
                socket.readable = false;
                self.worker.closed(ConnectionKey(key));
            }
            Ok(length) => {
                // A short read has emptied the socket, unless its end is still to come (epoll(7)).
                socket.readable = length == self.page.len() || socket.read_closed;
                self.received(key, length);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock if !socket.broken => socket.readable = false,
                io::ErrorKind::Interrupted => {}
                _ => {
                    socket.readable = false;
                    self.worker.closed(ConnectionKey(key));
                }
            },
        }
    }

    fn received(&mut self, key: u32, length: usize) {
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        if socket.tls.is_none() {
            return self.worker.received(ConnectionKey(key), &self.page[..length]);
        }
        self.decrypt(key, length);
    }

    fn decrypt(&mut self, key: u32, length: usize) {
        let page = std::mem::take(&mut self.page);
        let mut input = &page[..length];
        let mut outcome = Ok(());
        while !input.is_empty() && outcome.is_ok() {
            let Some(Some(Socket { tls: Some(tls), .. })) = self.sockets.get_mut(key as usize) else { break };
            outcome = tls.feed(&mut input);
            // What came before the fault is whole and true.
            self.deliver_plaintext(key);
        }
        self.page = page;
        match outcome {
            Ok(()) => self.pump_handshake(key),
            Err(error) => self.tls_failed(key, &error),
        }
    }

    fn deliver_plaintext(&mut self, key: u32) {
        loop {
            let Some(Some(Socket { tls: Some(tls), state, .. })) = self.sockets.get_mut(key as usize) else { return };
            if *state == State::Handshaking {
                if tls.is_handshaking() {
                    return;
                }
                let peer = tls.peer();
                *state = State::Open;
                match peer {
                    Ok(peer) => self.worker.established(ConnectionKey(key), peer),
                    Err(error) => return self.tls_failed(key, &error),
                }
                continue;
            }
            let length = tls.plaintext(&mut self.plain);
            if length == 0 {
                return;
            }
            self.worker.received(ConnectionKey(key), &self.plain[..length]);
        }
    }

    /// Writes what the handshake (or a key update) has to say.
    pub(super) fn pump_handshake(&mut self, key: u32) {
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        if socket.writable && socket.tls.as_ref().is_some_and(Tls::wants_write) && socket.flush_tls() == Written::Broken
        {
            self.write_broke(key);
        }
    }

    fn tls_failed(&mut self, key: u32, error: &TlsError) {
        if let Some(Some(socket)) = self.sockets.get_mut(key as usize) {
            let _ = socket.flush_tls();
            if socket.listener.is_some() {
                self.worker.telemetry.counters.add(CounterName::ConnectionsRefused, error.label(), 1);
                self.worker.tell_refused_connection(error.label(), &error.to_string());
            }
        }
        self.worker.tls_failed(ConnectionKey(key), error.fault(), &error.to_string());
    }
}
