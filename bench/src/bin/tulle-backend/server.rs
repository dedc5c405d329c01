//! The listener and its connections, served by one thread.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token as Key};
use slab::Slab;
use tulle_bench::wire::{Buffers, Wire};

use crate::peer::Peer;
use crate::replies::Replies;
use crate::stall::Stall;

const LISTENER: Key = Key(usize::MAX);

pub(crate) struct Server {
    poll: Poll,
    listener: TcpListener,
    peers: Slab<Peer>,
    replies: Replies,
    buffers: Buffers,
    stall: Stall,
}

// === impl Server ===

impl Server {
    /// Listens; gives the address with its port as well.
    pub(crate) fn bind(address: SocketAddr, stall: Stall) -> io::Result<(Self, SocketAddr)> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let bound = listener.local_addr()?;
        let (peers, replies, buffers) = (Slab::new(), Replies::new(), Buffers::default());
        Ok((Self { poll, listener, peers, replies, buffers, stall }, bound))
    }

    pub(crate) fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            // The poll rounds up to milliseconds, so a stall that is waited for is due afterwards.
            match self.poll.poll(&mut events, self.stall.wait()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.stall.sleep_if_due();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Key(number) => self.turn(number),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The client is gone again.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let entry = self.peers.vacant_entry();
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Key(entry.key()), both)?;
            entry.insert(Peer::new(Wire::new(socket, None)?));
        }
    }

    fn turn(&mut self, number: usize) {
        let Some(peer) = self.peers.get_mut(number) else { return };
        if !peer.turn(&mut self.buffers, &mut self.replies, &mut self.stall).unwrap_or(false) {
            self.peers.remove(number);
        }
    }
}
