//! The listener and its pairs of connections, served by one thread.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token as Key};
use slab::Slab;
use tulle_bench::tls::{ClientTls, ServerTls};
use tulle_bench::wire::{Buffers, Wire};

use crate::pair::{End, Pair, Turn};

const LISTENER: Key = Key(usize::MAX);
/// Bytes read at once, as much as the engine reads: it is the floor that the engine is held to.
const READ: usize = 128 * 1024;

/// What both sides of a pair are made with.
pub(crate) struct Ends {
    pub(crate) to: SocketAddr,
    pub(crate) inward: Option<ServerTls>,
    pub(crate) outward: Option<ClientTls>,
}

pub(crate) struct Relay {
    poll: Poll,
    listener: TcpListener,
    ends: Ends,
    pairs: Slab<Pair>,
    /// Pairs that could go on at once: no socket will say so again.
    again: Vec<usize>,
    buffers: Buffers,
}

// === impl Relay ===

impl Relay {
    /// Listens; gives the address with its port as well.
    pub(crate) fn bind(address: SocketAddr, ends: Ends) -> io::Result<(Self, SocketAddr)> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let bound = listener.local_addr()?;
        let (pairs, again, buffers) = (Slab::new(), Vec::new(), Buffers::of(READ));
        Ok((Self { poll, listener, ends, pairs, again, buffers }, bound))
    }

    pub(crate) fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let limit = if self.again.is_empty() { None } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, limit) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for number in std::mem::take(&mut self.again) {
                self.turn(number);
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Key(key) => {
                        if let Some(pair) = self.pairs.get_mut(key / 2) {
                            pair.ready(if key % 2 == 0 { End::Client } else { End::Target }, event);
                        }
                        self.turn(key / 2);
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                // Where the target cannot be reached the client's connection is closed.
                Ok((client, _)) => drop(self.pair(client)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn pair(&mut self, mut client: TcpStream) -> io::Result<()> {
        let mut target = TcpStream::connect(self.ends.to)?;
        let entry = self.pairs.vacant_entry();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client, Key(entry.key() * 2), both)?;
        self.poll.registry().register(&mut target, Key(entry.key() * 2 + 1), both)?;
        let client = Wire::new(client, self.ends.inward.as_ref().map(ServerTls::session).transpose()?)?;
        let target = Wire::new(target, self.ends.outward.as_ref().map(ClientTls::session).transpose()?)?;
        entry.insert(Pair::new(client, target));
        Ok(())
    }

    fn turn(&mut self, number: usize) {
        let Some(pair) = self.pairs.get_mut(number) else { return };
        match pair.turn(&mut self.buffers) {
            Ok(Turn::Waits) => {}
            Ok(Turn::Again) => self.again.push(number),
            Ok(Turn::Over) | Err(_) => drop(self.pairs.remove(number)),
        }
    }
}
