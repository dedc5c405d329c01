//! What the engine's verbs, the acceptor and the workers share; nothing of it is touched per call.

use crate::worker::{Listener, Scope};
use arc_swap::ArcSwapOption;
use mio::Waker;
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::telemetry::{Collector, WorkerTelemetry};

/// What is said to a worker.
#[derive(Debug)]
pub(crate) enum Command {
    /// A connection that came in.
    Accepted { stream: TcpStream, listener: Listener },
    /// Stop gracefully; `done` hears when nothing is in flight any more.
    Drain { scope: Scope, done: Option<Sender<()>> },
    /// Break off what is left and end.
    Stop,
}

/// The snapshot in force and how often it has changed: workers look at the number once a turn.
#[derive(Debug, Default)]
pub(crate) struct Published {
    generation: AtomicU64,
    snapshot: ArcSwapOption<Snapshot>,
}

/// A worker as the others see it.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    inbox: Mutex<Vec<Command>>,
    waker: Waker,
    /// Downstream connections that it has; the acceptor gives the next one to the least loaded.
    pub(crate) load: AtomicUsize,
    telemetry: Mutex<WorkerTelemetry>,
    /// The other one: the two change places at each drain, so that the worker never waits while counts are added up.
    drained: Mutex<WorkerTelemetry>,
}

/// How many sockets all workers may have, and have. The last quarter is not for those who call from outside: they prove
/// nothing before they take a place, and must not keep the application from calling.
#[derive(Debug)]
pub(crate) struct Descriptors {
    limit: usize,
    open: AtomicUsize,
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It came in by this listener.
    Accepted(Listener),
    /// A connection of our own. Without it what was accepted is of no use, so the last eighth is for these alone.
    Connect,
}

/// Counts that belong to no worker.
pub(crate) type SharedCollector = Arc<Mutex<Collector>>;

// === impl Published ===

impl Published {
    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.store(Some(snapshot));
        self.generation.fetch_add(1, std::sync::atomic::Ordering::Release);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(std::sync::atomic::Ordering::Acquire)
    }

    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }
}

// === impl WorkerHandle ===

impl WorkerHandle {
    pub(crate) fn new(waker: Waker) -> Self {
        Self {
            inbox: Mutex::default(),
            waker,
            load: AtomicUsize::new(0),
            telemetry: Mutex::default(),
            drained: Mutex::default(),
        }
    }

    /// Puts a command in and wakes the worker.
    pub(crate) fn send(&self, command: Command) -> io::Result<()> {
        locked(&self.inbox).push(command);
        self.waker.wake()
    }

    /// A downstream connection of it is gone.
    pub(crate) fn unload(&self) {
        self.load.fetch_sub(1, Relaxed);
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    pub(crate) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut locked(&self.inbox))
    }

    /// Held by the worker for a turn of its loop.
    pub(crate) fn telemetry(&self) -> MutexGuard<'_, WorkerTelemetry> {
        locked(&self.telemetry)
    }

    /// Adds up what was counted since the last time. The draining thread may be put off for long while it has a lock (it
    /// steps back behind calls): the worker's it has for one exchange of two values.
    pub(crate) fn collect(&self, collector: &mut Collector, now: Instant) {
        let mut drained = locked(&self.drained);
        std::mem::swap(&mut *locked(&self.telemetry), &mut *drained);
        collector.absorb(&mut drained, now);
    }
}

// === impl Descriptors ===

impl Descriptors {
    /// 80 % of what the process may open.
    pub(crate) fn of_process() -> Self {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` is a valid place for one rlimit, and the call keeps no pointer to it.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
        let descriptors = if known { limit.rlim_cur } else { 1024 };
        let limit = usize::try_from(descriptors / 10 * 8).unwrap_or(usize::MAX);
        Self::of(limit)
    }

    pub(crate) fn of(limit: usize) -> Self {
        Self { limit, open: AtomicUsize::new(0) }
    }

    /// Takes a place; false where there is none for this purpose.
    pub(crate) fn take(&self, purpose: Purpose) -> bool {
        let taken = self.open.fetch_add(1, Relaxed) < self.limit_of(purpose);
        if !taken {
            self.give_back();
        }
        taken
    }

    /// Places that are taken.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    fn limit_of(&self, purpose: Purpose) -> usize {
        match purpose {
            Purpose::Accepted(Listener::Inbound | Listener::InboundPlaintext) => self.limit - self.limit / 4,
            Purpose::Accepted(Listener::Outbound | Listener::UpstreamPort(_)) => self.limit - self.limit / 8,
            Purpose::Connect => self.limit,
        }
    }

    pub(crate) fn give_back(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

/// A lock whose holder panicked still guards whole data: it is swapped or pushed to, never half written.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
