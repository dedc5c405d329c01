//! The engine's verbs: few, thread-safe, none of them on a call's path.

use crate::describe;
use crate::error::{EngineError, InvalidConfig};
use crate::identity::{CurrentIdentity, Identity, InvalidIdentity};
use crate::io::post::{PostError, Poster};
use crate::io::running::Running;
use crate::io::shared::{SharedCollector, locked};
use crate::settings::Settings;
use crate::worker::Scope;
use crate::worker::clock::unix_nano;
use prost::Message;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tulle_mesh::proto;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::telemetry::{Collector, CounterName};
use tulle_mesh::wire;

/// One data plane: listeners, workers, policy in force.
pub struct Engine {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
    collector: SharedCollector,
    /// The last snapshot that was applied; also held while one is, and locked before `running` where both are: of two
    /// that are applied at once, the one that is told is the one in force. No lock is held while `collector` is waited for.
    snapshot: Mutex<Option<Arc<Snapshot>>>,
    running: Mutex<State>,
    poster: Poster,
    /// Held by the one shutdown that is under way.
    stopping: Mutex<()>,
}

/// `New => Started => Stopped`, `New => Stopped`.
enum State {
    New,
    Started(Arc<Running>),
    Stopped { all_ended: bool },
}

// === impl Engine ===

impl Engine {
    /// Checks `config` and loads a stored identity, if there is one.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] names the field; [`EngineError::InvalidIdentity`] where the folder cannot be used.
    pub fn new(config: proto::EngineConfig) -> Result<Self, EngineError> {
        let settings = Settings::try_from(config)?;
        let identity = Identity::open(settings.identity_dir.clone())?;
        Ok(Self {
            settings: Arc::new(settings),
            identity: Arc::new(identity),
            collector: Arc::new(Mutex::new(Collector::new(unix_nano()))),
            snapshot: Mutex::default(),
            running: Mutex::new(State::New),
            poster: Poster::default(),
            stopping: Mutex::default(),
        })
    }

    /// Binds the listeners and starts the workers; gives the addresses really bound.
    ///
    /// # Errors
    /// [`EngineError::ListenFailed`] names field, address and cause; nothing stays bound then.
    pub fn start(&self) -> Result<proto::EngineAddresses, EngineError> {
        let snapshot = locked(&self.snapshot);
        let mut state = locked(&self.running);
        if !matches!(*state, State::New) {
            return Err(EngineError::AlreadyStarted);
        }
        let running = Running::start(&self.settings, &self.identity, &self.collector)?;
        if let Some(snapshot) = &*snapshot {
            running.publish(snapshot.clone());
        }
        let addresses = running.addresses().clone();
        *state = State::Started(Arc::new(running));
        Ok(addresses)
    }

    /// Puts a serialized `Snapshot` in force for new calls, whole or not at all. No connection closes because of it.
    ///
    /// # Errors
    /// [`EngineError::InvalidSnapshot`] names the resource; the last snapshot stays.
    pub fn apply(&self, snapshot: &[u8]) -> Result<(), EngineError> {
        let mut current = locked(&self.snapshot);
        let decoded = match wire::decode(snapshot, current.as_deref()) {
            Ok(decoded) => Arc::new(decoded),
            Err(refused) => {
                drop(current);
                self.count(CounterName::SnapshotsRefused);
                return Err(EngineError::InvalidSnapshot { resource: refused.resource, detail: refused.detail });
            }
        };
        *current = Some(decoded.clone());
        if let State::Started(running) = &*locked(&self.running) {
            running.publish(decoded.clone());
        }
        drop(current);
        self.count(CounterName::SnapshotsApplied);
        locked(&self.collector).tell_applied(unix_nano(), &decoded);
        Ok(())
    }

    /// Dials the application at `address` ("ip:port") from now on: one of those that `EngineConfig` names. Calls in flight
    /// and their connections stay.
    ///
    /// # Errors
    /// [`EngineError::InvalidConfig`] where it is none of these.
    pub fn use_application(&self, address: &str) -> Result<(), EngineError> {
        let chosen = address.parse().ok().zip(self.settings.application.as_ref());
        if chosen.is_some_and(|(address, application)| application.choose(address)) {
            return Ok(());
        }
        let detail =
            format!("{address:?} is no address of the application; name it in application or application_also");
        Err(EngineError::InvalidConfig(InvalidConfig { field: "application", detail }))
    }

    /// Makes a key, pending until a chain for it is set, and returns a PKCS#10 request (DER).
    ///
    /// # Errors
    /// [`EngineError::InvalidIdentity`] where no key can be made.
    pub fn create_csr(&self) -> Result<Vec<u8>, EngineError> {
        Ok(self.identity.create_csr()?)
    }

    /// Puts key, chain and bundle in force for new handshakes and stores them. Connections stay.
    ///
    /// # Errors
    /// [`EngineError::InvalidIdentity`]; the last identity stays.
    pub fn set_identity(&self, chain_pem: &[u8], bundle_pem: &[u8]) -> Result<(), EngineError> {
        Ok(self.identity.set(chain_pem, bundle_pem)?)
    }

    /// The identity in force.
    #[must_use]
    pub fn identity(&self) -> Option<CurrentIdentity> {
        self.identity.current()
    }

    /// A serialized `Telemetry`: cumulative counters, and, where `spans` asks for them, the spans that wait, which are
    /// handed over once. With it the number of those that waited (at most 512).
    #[must_use]
    pub fn drain_telemetry(&self, spans: bool) -> (Vec<u8>, usize) {
        let snapshot = locked(&self.snapshot).clone();
        let now = Instant::now();
        let mut collector = self.collected(now);
        let mut telemetry = collector.export(snapshot.as_deref(), unix_nano(), now);
        let waited = collector.spans();
        if spans {
            telemetry.spans = collector.take_spans();
        }
        drop(collector);
        (telemetry.encode_to_vec(), waited)
    }

    /// A serialized `EngineEvents`: what the engine did by itself since the last time, each event once; nothing where
    /// nothing happened.
    #[must_use]
    pub fn drain_events(&self) -> Vec<u8> {
        let snapshot = locked(&self.snapshot).clone();
        let now = Instant::now();
        self.collected(now).take_events(snapshot.as_deref(), unix_nano(), now).encode_to_vec()
    }

    /// A unary gRPC call to the control plane at `address` ("host:port"), of `method` ("/package.Service/Method") with the
    /// serialized message `request`; the answer's message is not looked at. It blocks for at most `timeout`, and where
    /// `address` is a name as long as the system looks that up.
    ///
    /// The connection stays for the next call. Where the control plane has closed it meanwhile, the call is made once
    /// more on a new one: a request arrives at least once.
    ///
    /// # Errors
    /// [`PostError`]
    pub fn post(&self, address: &str, method: &str, request: &[u8], timeout: Duration) -> Result<(), PostError> {
        self.poster.post(&self.identity, address, method, request, timeout)
    }

    /// What is in force, as JSON.
    #[must_use]
    pub fn describe(&self) -> String {
        let snapshot = locked(&self.snapshot).clone();
        let addresses = match &*locked(&self.running) {
            State::Started(running) => Some(running.addresses().clone()),
            State::New | State::Stopped { .. } => None,
        };
        describe::engine(&self.settings, addresses.as_ref(), self.identity.current().as_ref(), snapshot.as_deref())
    }

    /// Begins a graceful stop of the inbound side: two-phase GOAWAY, calls in flight go on, new connections are refused.
    pub fn drain(&self) {
        if let State::Started(running) = &*locked(&self.running) {
            running.drain(Scope::Inbound);
        }
    }

    /// Drains both sides and stops; true when every call ended within `grace`. Idempotent.
    #[must_use]
    pub fn shutdown(&self, grace: Duration) -> bool {
        let _one_at_a_time = locked(&self.stopping);
        let running = match &*locked(&self.running) {
            State::New => None,
            State::Stopped { all_ended } => return *all_ended,
            State::Started(running) => Some(running.clone()),
        };
        // The state is not locked meanwhile: telemetry and descriptions go on until the last call has ended.
        let all_ended = running.is_none_or(|running| running.stop(grace, &self.collector));
        *locked(&self.running) = State::Stopped { all_ended };
        all_ended
    }

    /// What is counted, with all that the workers counted since the last time.
    fn collected(&self, now: Instant) -> MutexGuard<'_, Collector> {
        let running = match &*locked(&self.running) {
            State::Started(running) => Some(running.clone()),
            State::New | State::Stopped { .. } => None,
        };
        let mut collector = locked(&self.collector);
        if let Some(running) = running {
            running.collect(&mut collector, now);
        }
        collector
    }

    fn count(&self, name: CounterName) {
        locked(&self.collector).counters().add(name, "", 1);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.shutdown(Duration::ZERO);
    }
}

impl From<InvalidIdentity> for EngineError {
    fn from(cause: InvalidIdentity) -> Self {
        Self::InvalidIdentity(cause.to_string())
    }
}
