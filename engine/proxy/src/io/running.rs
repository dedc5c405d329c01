//! A started engine: its threads, and how they are begun and ended.

use crate::error::{EngineError, ListenFailed};
use crate::identity::Identity;
use crate::io::listen::{self, Acceptor, Bound, OpenListeners};
use crate::io::poll::{Loop, WAKER};
use crate::io::shared::{Command, Descriptors, Published, SharedCollector, WorkerHandle, locked};
use crate::settings::Settings;
use crate::worker::clock::unix_nano;
use crate::worker::{Listener, Scope, Worker};
use mio::{Poll, Waker};
use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tulle_mesh::proto::{EngineAddresses, UpstreamPort};
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::telemetry::Collector;

/// Threads, listeners and what they share.
pub(crate) struct Running {
    addresses: EngineAddresses,
    workers: Vec<Arc<WorkerHandle>>,
    published: Arc<Published>,
    open: Arc<OpenListeners>,
    acceptor: Waker,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

// === impl Running ===

impl Running {
    pub(crate) fn start(
        settings: &Arc<Settings>,
        identity: &Arc<Identity>,
        collector: &SharedCollector,
    ) -> Result<Self, EngineError> {
        // All is bound and made before the first thread runs, so that a refusal leaves nothing behind.
        let listeners = bind_all(settings)?;
        let addresses = addresses(&listeners, settings);
        let published = Arc::new(Published::default());
        let descriptors = Arc::new(Descriptors::of_process());
        let mut loops = Vec::with_capacity(settings.workers);
        let mut workers = Vec::with_capacity(settings.workers);
        for _ in 0..settings.workers {
            let poll = Poll::new().map_err(EngineError::System)?;
            let waker = Waker::new(poll.registry(), WAKER).map_err(EngineError::System)?;
            let handle = Arc::new(WorkerHandle::new(waker));
            let worker = Worker::new(settings.clone(), Instant::now(), unix_nano(), seed());
            let parts = (handle.clone(), published.clone(), identity.clone(), descriptors.clone());
            loops.push(Loop::new(poll, worker, parts.0, parts.1, parts.2, parts.3));
            workers.push(handle);
        }
        let open = Arc::new(OpenListeners::default());
        let poll = Poll::new().map_err(EngineError::System)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(EngineError::System)?;
        let accepting = Acceptor::new(poll, listeners, workers.clone(), descriptors, collector.clone(), open.clone());
        let accepting = accepting.map_err(EngineError::System)?;
        let running = Self { addresses, workers, published, open, acceptor: waker, threads: Mutex::default() };
        running.spawn(loops, accepting).map_err(EngineError::System)?;
        Ok(running)
    }

    fn spawn(&self, loops: Vec<Loop>, acceptor: Acceptor) -> io::Result<()> {
        for (number, one) in loops.into_iter().enumerate() {
            let name = format!("tulle-worker-{number}");
            locked(&self.threads).push(thread::Builder::new().name(name).spawn(move || one.run())?);
        }
        let name = "tulle-acceptor".to_owned();
        locked(&self.threads).push(thread::Builder::new().name(name).spawn(move || acceptor.run())?);
        Ok(())
    }

    pub(crate) fn addresses(&self) -> &EngineAddresses {
        &self.addresses
    }

    /// Puts a snapshot in force; idle workers are woken to let go of what it no longer names.
    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
        self.published.publish(snapshot);
        for worker in &self.workers {
            // A worker that cannot be woken looks at the number in its next turn.
            let _ = worker.wake();
        }
    }

    pub(crate) fn collect(&self, collector: &mut Collector, now: Instant) {
        for worker in &self.workers {
            worker.collect(collector, now);
        }
    }

    pub(crate) fn drain(&self, scope: Scope) {
        self.close_listeners(scope);
        for worker in &self.workers {
            let _ = worker.send(Command::Drain { scope, done: None });
        }
    }

    /// Drains, waits at most `grace`, breaks off the rest and joins all threads. Inbound first: what the application owes
    /// its callers may need calls of its own.
    pub(crate) fn stop(&self, grace: Duration, collector: &SharedCollector) -> bool {
        let deadline = Instant::now() + grace;
        let all_ended = [Scope::Inbound, Scope::All].map(|scope| self.drained(scope, deadline)) == [true; 2];
        for worker in &self.workers {
            let _ = worker.send(Command::Stop);
        }
        for thread in std::mem::take(&mut *locked(&self.threads)) {
            // A thread that panicked is over as well.
            let _ = thread.join();
        }
        self.collect(&mut locked(collector), Instant::now());
        all_ended
    }

    /// Drains `scope` on all workers; whether all of it had ended at `deadline`.
    fn drained(&self, scope: Scope, deadline: Instant) -> bool {
        self.close_listeners(scope);
        let (done, ended) = mpsc::channel();
        for worker in &self.workers {
            let _ = worker.send(Command::Drain { scope, done: Some(done.clone()) });
        }
        drop(done);
        let in_time =
            |_: &Arc<WorkerHandle>| ended.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok();
        self.workers.iter().all(in_time)
    }

    fn close_listeners(&self, scope: Scope) {
        self.open.close(scope);
        let _ = self.acceptor.wake();
    }
}

fn bind_all(settings: &Settings) -> Result<Vec<Bound>, ListenFailed> {
    let mut listeners = Vec::new();
    if let Some(address) = settings.outbound_listen {
        listeners.push(listen::bind("outbound_listen", address, Listener::Outbound)?);
    }
    if let Some(address) = settings.inbound_listen {
        let kind = if settings.inbound_plaintext { Listener::InboundPlaintext } else { Listener::Inbound };
        listeners.push(listen::bind("inbound_listen", address, kind)?);
    }
    for (index, port) in settings.upstream_ports.iter().enumerate() {
        listeners.push(listen::bind("upstream_ports.listen", port.listen, Listener::UpstreamPort(index))?);
    }
    Ok(listeners)
}

fn addresses(listeners: &[Bound], settings: &Settings) -> EngineAddresses {
    let mut addresses = EngineAddresses::default();
    for bound in listeners {
        let address = bound.address.to_string();
        match bound.kind {
            Listener::Outbound => addresses.outbound = address,
            Listener::Inbound | Listener::InboundPlaintext => addresses.inbound = address,
            Listener::UpstreamPort(index) => {
                let authority = settings.upstream_ports.get(index).map(|port| port.authority.clone());
                let authority = authority.unwrap_or_default();
                addresses.upstream_ports.push(UpstreamPort { listen: address, authority });
            }
        }
    }
    addresses
}

/// Randomness of the system, from the one source that needs no dependency: the keys of a hash map.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
