//! Listeners and the one thread that accepts for all workers.
//!
//! Few and long-lived connections come to a sidecar, so SO_REUSEPORT would leave workers idle: each connection is handed
//! to the worker that has the fewest.

use super::poll::WAKER;
use super::shared::{Command, Descriptors, Purpose, SharedCollector, WorkerHandle, locked};
use crate::error::ListenFailed;
use crate::worker::{Listener, Scope};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;
use tulle_mesh::telemetry::CounterName;

const BACKLOG: i32 = 1024;
/// How long the acceptor rests when the system has no descriptor to give.
const REST: Duration = Duration::from_millis(20);

/// A bound listener.
pub(crate) struct Bound {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) kind: Listener,
}

/// Which listeners are still open. Said by the verbs, heard by the acceptor when it is woken.
#[derive(Debug, Default)]
pub(crate) struct OpenListeners(AtomicU8);

/// The acceptor's thread.
pub(crate) struct Acceptor {
    poll: Poll,
    listeners: Vec<Option<Bound>>,
    workers: Vec<Arc<WorkerHandle>>,
    descriptors: Arc<Descriptors>,
    collector: SharedCollector,
    open: Arc<OpenListeners>,
    /// Given up for a moment when there is no descriptor left, so that a caller can be refused instead of left hanging.
    reserve: Option<File>,
}

/// Binds `address` for `kind`; `field` is its name in `EngineConfig`.
pub(crate) fn bind(field: &'static str, address: SocketAddr, kind: Listener) -> Result<Bound, ListenFailed> {
    let failed = |cause| ListenFailed { field, address: address.to_string(), cause };
    let listener = listen(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener: TcpListener::from_std(listener), address: bound, kind })
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last one's connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

// === impl OpenListeners ===

impl OpenListeners {
    pub(crate) fn close(&self, scope: Scope) {
        let level = match scope {
            Scope::Inbound => 1,
            Scope::All => 2,
        };
        self.0.fetch_max(level, Relaxed);
    }

    fn closes(&self, kind: Listener) -> bool {
        match kind {
            Listener::Inbound | Listener::InboundPlaintext => self.0.load(Relaxed) >= 1,
            Listener::Outbound | Listener::UpstreamPort(_) => self.0.load(Relaxed) >= 2,
        }
    }

    fn is_over(&self) -> bool {
        self.0.load(Relaxed) >= 2
    }
}

// === impl Acceptor ===

impl Acceptor {
    pub(crate) fn new(
        poll: Poll,
        mut listeners: Vec<Bound>,
        workers: Vec<Arc<WorkerHandle>>,
        descriptors: Arc<Descriptors>,
        collector: SharedCollector,
        open: Arc<OpenListeners>,
    ) -> io::Result<Self> {
        for (index, bound) in listeners.iter_mut().enumerate() {
            poll.registry().register(&mut bound.listener, Token(index), Interest::READABLE)?;
        }
        let listeners = listeners.into_iter().map(Some).collect();
        let reserve = File::open("/dev/null").ok();
        Ok(Self { poll, listeners, workers, descriptors, collector, open, reserve })
    }

    /// Accepts until all listeners are closed.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        let mut again = false;
        while !self.open.is_over() {
            let timeout = again.then_some(REST);
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
            self.close_listeners();
            let ready = events.iter().map(|event| event.token()).filter(|token| *token != WAKER).map(|token| token.0);
            let ready: Vec<usize> = if again { (0..self.listeners.len()).collect() } else { ready.collect() };
            again = false;
            for index in ready {
                // A panic costs the connection being handed over; those behind it are taken the next time.
                match catch_unwind(AssertUnwindSafe(|| self.accept_all(index))) {
                    Ok(accepted) => again |= accepted.is_err(),
                    Err(_) => {
                        locked(&self.collector).counters().add(CounterName::Panics, "", 1);
                        again = true;
                    }
                }
            }
        }
    }

    fn close_listeners(&mut self) {
        for listener in &mut self.listeners {
            if listener.as_ref().is_some_and(|bound| self.open.closes(bound.kind)) {
                *listener = None;
            }
        }
    }

    /// Accepts until there is none; an error where the system can give no descriptor now.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        while let Some(Some(bound)) = self.listeners.get(index) {
            let kind = bound.kind;
            match bound.listener.accept() {
                Ok((stream, _)) => self.hand_over(std::net::TcpStream::from(OwnedFd::from(stream)), kind),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.refuse_one(index);
                        return Err(error);
                    }
                },
            }
        }
        Ok(())
    }

    fn hand_over(&self, stream: std::net::TcpStream, listener: Listener) {
        let least = self.workers.iter().min_by_key(|worker| worker.load.load(Relaxed));
        let purpose = Purpose::Accepted(listener);
        let Some(worker) = least.filter(|_| self.descriptors.take(purpose)) else { return self.count_refused() };
        worker.load.fetch_add(1, Relaxed);
        // A worker that cannot be woken finds it with what it is woken for next.
        let _ = worker.send(Command::Accepted { stream, listener });
    }

    /// EMFILE: the reserve's descriptor takes the caller in and lets it go at once.
    fn refuse_one(&mut self, index: usize) {
        self.reserve = None;
        if let Some(Some(bound)) = self.listeners.get(index)
            && bound.listener.accept().is_ok()
        {
            self.count_refused();
        }
        self.reserve = File::open("/dev/null").ok();
    }

    fn count_refused(&self) {
        locked(&self.collector).counters().add(CounterName::ConnectionsRefused, "descriptors", 1);
    }
}
