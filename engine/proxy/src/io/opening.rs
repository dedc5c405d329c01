//! Sockets come and go: accepted, connected, closed.

use super::lingering::Lingering;
use super::poll::Loop;
use super::shared::Purpose;
use super::socket::{self, Socket, State};
use super::tls::{Tls, TlsError};
use crate::worker::{ConnectFault, ConnectionKey, Listener};
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io;
use std::net::SocketAddr;
use std::time::Instant;
use tulle_mesh::spiffe::SpiffeId;
use tulle_mesh::telemetry::CounterName;

impl Loop {
    pub(super) fn accept(&mut self, stream: std::net::TcpStream, listener: Listener) {
        let tls = match listener {
            Listener::Inbound => match Tls::server(&self.identity) {
                Ok(tls) => Some(tls),
                Err(error) => return self.refuse(&error),
            },
            _ => None,
        };
        let key = self.worker.accept(listener);
        let state = if tls.is_some() { State::Handshaking } else { State::Open };
        self.add_socket(key, TcpStream::from_std(stream), tls, state, Some(listener));
    }

    /// A connection that never gets a place.
    fn refuse(&mut self, error: &TlsError) {
        self.worker.telemetry.counters.add(CounterName::ConnectionsRefused, error.label(), 1);
        self.worker.tell_refused_connection(error.label(), &error.to_string());
        self.handle.unload();
        self.descriptors.give_back();
    }

    pub(super) fn connect(&mut self, key: ConnectionKey, address: SocketAddr, identity: Option<&SpiffeId>) {
        let tls = match identity.map(|expected| Tls::client(&self.identity, expected)).transpose() {
            Ok(tls) => tls,
            Err(error) => return self.worker.connect_failed(key, ConnectFault::Local, &error.to_string()),
        };
        if !self.descriptors.take(Purpose::Connect) {
            let cause = "the process has as many descriptors open as it may";
            return self.worker.connect_failed(key, ConnectFault::Local, cause);
        }
        match TcpStream::connect(address) {
            Ok(stream) => {
                if tls.is_none() && !address.ip().is_loopback() {
                    socket::notice_vanishing(&stream);
                }
                self.add_socket(key, stream, tls, State::Connecting, None);
            }
            Err(error) => {
                self.descriptors.give_back();
                self.worker.connect_failed(key, fault_of(&error), &error.to_string());
            }
        }
    }

    fn add_socket(
        &mut self,
        key: ConnectionKey,
        mut stream: TcpStream,
        tls: Option<Tls>,
        state: State,
        listener: Option<Listener>,
    ) {
        let index = key.0 as usize;
        if self.sockets.len() <= index {
            self.sockets.resize_with(index + 1, || None);
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut stream, Token(index), interest);
        self.sockets[index] = Some(Socket::new(stream, tls, state, listener));
        if let Err(error) = registered {
            self.worker.connect_failed(key, ConnectFault::Local, &error.to_string());
        }
    }

    pub(super) fn close_socket(&mut self, key: ConnectionKey) {
        let Some(mut socket) = self.sockets.get_mut(key.0 as usize).and_then(Option::take) else { return };
        let _ = self.poll.registry().deregister(&mut socket.stream);
        if socket.listed {
            self.ready.retain(|listed| *listed != key.0);
        }
        if socket.listener.is_some() {
            self.handle.unload();
        }
        let lingers = self.draining && socket.listener.is_some() && socket.state == State::Open && !socket.read_closed;
        let stream = socket.close();
        if lingers {
            return self.lingering.push(Lingering::new(stream, Instant::now()));
        }
        self.descriptors.give_back();
    }

    pub(super) fn check_connected(&mut self, key: u32) {
        let Some(Some(socket)) = self.sockets.get_mut(key as usize) else { return };
        match socket.connected() {
            None => {}
            Some(Err(error)) => {
                self.worker.connect_failed(ConnectionKey(key), fault_of(&error), &error.to_string());
            }
            Some(Ok(())) if socket.tls.is_some() => {
                socket.state = State::Handshaking;
                self.pump_handshake(key);
            }
            Some(Ok(())) => {
                socket.state = State::Open;
                self.worker.established(ConnectionKey(key), None);
            }
        }
    }
}

/// Whose fault it is that a socket could not be made or connected: what this system lacks is not the peer's doing.
fn fault_of(error: &io::Error) -> ConnectFault {
    const OURS: [i32; 7] =
        [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EADDRNOTAVAIL, libc::EACCES, libc::EPERM];
    match error.raw_os_error() {
        Some(code) if OURS.contains(&code) => ConnectFault::Local,
        _ => ConnectFault::Peer,
    }
}
