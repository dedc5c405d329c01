//! The connections of a worker by their keys: which of them have something to write, and what is to be done with sockets.

use super::connection::{Connection, Side, Stage};
use super::names::ConnectionKey;
use super::places::Places;
use crate::pool::{Pool, Room};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;
use tulle_http2::Config;
use tulle_mesh::spiffe::SpiffeId;

/// What the worker wants done with sockets, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a connection; answer with [`established`](super::Worker::established) or
    /// [`connect_failed`](super::Worker::connect_failed).
    Connect {
        /// Its name from here on.
        key: ConnectionKey,
        /// Where to.
        address: SocketAddr,
        /// In TLS, with a server that proves exactly this; `None` for plaintext.
        identity: Option<SpiffeId>,
    },
    /// Close the socket, before anything else is said to the worker: with this action its key is free for another.
    Close {
        /// The connection, of which the worker has forgotten everything.
        key: ConnectionKey,
    },
}

/// All connections, those that are being made and closed included.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    places: Places<Connection>,
    /// Those that changed since they were last written, each once.
    dirty: VecDeque<u32>,
    actions: VecDeque<Action>,
    /// Connections so far.
    serial: u64,
}

// === impl Action ===

impl Action {
    /// The connection that it is about.
    #[must_use]
    pub fn key(&self) -> ConnectionKey {
        match self {
            Self::Connect { key, .. } | Self::Close { key } => *key,
        }
    }
}

// === impl Connections ===

impl Connections {
    #[inline]
    pub(crate) fn get(&self, key: u32) -> Option<&Connection> {
        self.places.get(key as usize)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut Connection> {
        self.places.get_mut(key as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.places.iter().map(|(_, connection)| connection)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.places.iter_mut().map(|(_, connection)| connection)
    }

    /// The connections for which `wanted` holds. A walk over all: for rare events.
    pub(crate) fn keys(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<u32> {
        self.places.iter().filter(|(_, connection)| wanted(connection)).map(|(key, _)| key as u32).collect()
    }

    /// Adds a connection, under a serial number that no other ever has.
    pub(crate) fn insert(&mut self, config: Config, side: Side, stage: Stage, now: Instant) -> ConnectionKey {
        self.serial += 1;
        let connection = Connection::new(self.serial, config, side, stage, now);
        ConnectionKey(self.places.insert(connection) as u32)
    }

    /// Has a socket made for a connection.
    pub(crate) fn dial(&mut self, key: ConnectionKey, address: SocketAddr, identity: Option<SpiffeId>) {
        self.actions.push_back(Action::Connect { key, address, identity });
    }

    /// Forgets a connection and has its socket closed.
    pub(crate) fn remove(&mut self, key: u32) -> Option<Connection> {
        let connection = self.places.try_remove(key as usize)?;
        self.actions.push_back(Action::Close { key: ConnectionKey(key) });
        Some(connection)
    }

    /// Marks a connection as changed.
    #[inline]
    pub(crate) fn touch(&mut self, key: u32) {
        self.change(key);
    }

    /// A connection that is about to be changed, and marked so.
    #[inline]
    pub(crate) fn change(&mut self, key: u32) -> Option<&mut Connection> {
        let connection = self.places.get_mut(key as usize)?;
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push_back(key);
        }
        Some(connection)
    }

    /// The next connection that changed, marked no longer.
    pub(crate) fn next_dirty(&mut self) -> Option<(ConnectionKey, &mut Connection)> {
        let key = loop {
            let key = self.dirty.pop_front()?;
            // It may have been closed since.
            if self.places.get(key as usize).is_some() {
                break key;
            }
        };
        let connection = self.places.get_mut(key as usize)?;
        connection.dirty = false;
        Some((ConnectionKey(key), connection))
    }

    /// The key of a connection that is to be closed is given out again from here on and not before: whatever was accepted
    /// or connected meanwhile has another.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front()?;
        if let Action::Close { key } = action {
            self.places.free(key.0 as usize);
        }
        Some(action)
    }

    /// Whether nothing waits to be written and no socket to be made or closed.
    pub(crate) fn is_settled(&self) -> bool {
        self.dirty.is_empty() && self.actions.is_empty()
    }

    /// A pool's connections in the order in which they are filled, each with what it has left.
    pub(crate) fn rooms<'c>(&'c self, pool: &'c Pool) -> impl Iterator<Item = (u32, Room)> + 'c {
        pool.connections.iter().filter_map(|key| self.get(*key).map(|connection| (*key, connection.room())))
    }
}
