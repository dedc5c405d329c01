//! What the production files see of others: the same names and the same locks, nothing behind them.

use crate::sync::{Arc, Mutex};
use std::io;
use std::time::{Duration, Instant};

pub(crate) mod mio {
    use super::*;

    /// Wakes the one that waits; a wake before the wait is kept, as an eventfd keeps it.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Waker(pub(crate) Arc<loom::sync::Notify>);

    impl Waker {
        pub(crate) fn wake(&self) -> io::Result<()> {
            self.0.notify();
            Ok(())
        }
    }
}

pub(crate) mod arc_swap {
    use super::*;

    #[derive(Debug)]
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for ArcSwapOption<T> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<T> ArcSwapOption<T> {
        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().expect("no panic") = value;
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.0.lock().expect("no panic").clone()
        }
    }
}

pub(crate) mod prost {
    pub(crate) trait Message {
        fn encode_to_vec(&self) -> Vec<u8>;
    }
}

pub(crate) mod tulle_mesh {
    pub(crate) mod proto {
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Method {
            pub(crate) path: String,
            pub(crate) client_streaming: bool,
            pub(crate) server_streaming: bool,
            pub(crate) idempotent: bool,
        }

        #[derive(Clone, Debug, Default)]
        pub(crate) struct EngineConfig;

        #[derive(Clone, Debug, Default)]
        pub(crate) struct EngineAddresses;

        /// The sum of what was counted.
        #[derive(Debug)]
        pub(crate) struct Telemetry {
            pub(crate) calls: u8,
            pub(crate) spans: Vec<u8>,
        }

        impl crate::face::prost::Message for Telemetry {
            fn encode_to_vec(&self) -> Vec<u8> {
                vec![self.calls]
            }
        }
    }

    /// What happened: how many snapshots came into force.
    pub(crate) struct EngineEvents(pub(crate) u8);

    impl crate::face::prost::Message for EngineEvents {
        fn encode_to_vec(&self) -> Vec<u8> {
            vec![self.0]
        }
    }

    pub(crate) mod snapshot {
        #[derive(Debug)]
        pub(crate) struct Snapshot {
            pub(crate) revision: u8,
        }
    }

    pub(crate) mod wire {
        use super::snapshot::Snapshot;

        #[derive(Debug)]
        pub(crate) struct InvalidSnapshot {
            pub(crate) resource: String,
            pub(crate) detail: String,
        }

        /// One byte is a snapshot of that revision.
        pub(crate) fn decode(bytes: &[u8], _: Option<&Snapshot>) -> Result<Snapshot, InvalidSnapshot> {
            match bytes {
                [revision] => Ok(Snapshot { revision: *revision }),
                _ => Err(InvalidSnapshot { resource: "snapshot".into(), detail: "is not one byte".into() }),
            }
        }
    }

    pub(crate) mod telemetry {
        use super::proto::Telemetry;
        use super::snapshot::Snapshot;
        use std::time::Instant;

        #[derive(Clone, Copy, Debug)]
        pub(crate) enum CounterName {
            SnapshotsApplied,
            SnapshotsRefused,
        }

        #[derive(Debug, Default)]
        pub(crate) struct Counters(u8);

        impl Counters {
            pub(crate) fn add(&mut self, _: CounterName, _: &'static str, by: u8) {
                self.0 += by;
            }
        }

        #[derive(Debug, Default)]
        pub(crate) struct WorkerTelemetry {
            pub(crate) calls: u8,
        }

        impl WorkerTelemetry {
            pub(crate) fn new() -> Self {
                Self::default()
            }
        }

        #[derive(Debug, Default)]
        pub(crate) struct Collector {
            counters: Counters,
            applied: u8,
            pub(crate) calls: u8,
        }

        impl Collector {
            pub(crate) fn new(_: u64) -> Self {
                Self::default()
            }

            pub(crate) fn counters(&mut self) -> &mut Counters {
                &mut self.counters
            }

            pub(crate) fn absorb(&mut self, worker: &mut WorkerTelemetry, _: Instant) {
                self.calls += std::mem::take(&mut worker.calls);
            }

            pub(crate) fn export(&mut self, _: Option<&Snapshot>, _: u64, _: Instant) -> Telemetry {
                Telemetry { calls: self.calls, spans: Vec::new() }
            }

            pub(crate) fn tell_applied(&mut self, _: u64, _: &Snapshot) {
                self.applied += 1;
            }

            pub(crate) fn take_events(&mut self, _: Option<&Snapshot>, _: u64, _: Instant) -> super::EngineEvents {
                super::EngineEvents(std::mem::take(&mut self.applied))
            }

            pub(crate) fn spans(&self) -> usize {
                0
            }

            pub(crate) fn take_spans(&mut self) -> Vec<u8> {
                Vec::new()
            }
        }
    }
}

pub(crate) mod worker {
    pub(crate) mod clock {
        /// Models look at no time of day.
        pub(crate) fn unix_nano() -> u64 {
            0
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Listener {
        Outbound,
        UpstreamPort(usize),
        Inbound,
        InboundPlaintext,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Scope {
        Inbound,
        All,
    }
}

pub(crate) mod settings {
    use super::error::EngineError;
    use super::tulle_mesh::proto::EngineConfig;
    use std::net::SocketAddr;

    #[derive(Debug, Default)]
    pub(crate) struct Settings {
        pub(crate) identity_dir: Option<String>,
        pub(crate) application: Option<Application>,
    }

    /// One number: see the census.
    #[derive(Debug)]
    pub(crate) struct Application;

    impl Application {
        pub(crate) fn choose(&self, _: SocketAddr) -> bool {
            true
        }
    }

    impl TryFrom<EngineConfig> for Settings {
        type Error = EngineError;

        fn try_from(_: EngineConfig) -> Result<Self, EngineError> {
            Ok(Self::default())
        }
    }
}

pub(crate) mod error {
    #[derive(Debug)]
    pub(crate) enum EngineError {
        InvalidConfig(InvalidConfig),
        InvalidSnapshot { resource: String, detail: String },
        InvalidIdentity(String),
        AlreadyStarted,
    }

    #[derive(Debug)]
    pub(crate) struct InvalidConfig {
        pub(crate) field: &'static str,
        pub(crate) detail: String,
    }
}

pub(crate) mod identity {
    #[derive(Clone, Debug)]
    pub(crate) struct CurrentIdentity;

    #[derive(Debug)]
    pub(crate) struct InvalidIdentity;

    impl std::fmt::Display for InvalidIdentity {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("invalid")
        }
    }

    /// Guards itself; its locks are held over none of the engine's.
    #[derive(Debug)]
    pub(crate) struct Identity;

    impl Identity {
        pub(crate) fn open(_: Option<String>) -> Result<Self, InvalidIdentity> {
            Ok(Self)
        }

        pub(crate) fn create_csr(&self) -> Result<Vec<u8>, InvalidIdentity> {
            Ok(Vec::new())
        }

        pub(crate) fn set(&self, _: &[u8], _: &[u8]) -> Result<(), InvalidIdentity> {
            Ok(())
        }

        pub(crate) fn current(&self) -> Option<CurrentIdentity> {
            None
        }
    }
}

pub(crate) mod describe {
    use super::identity::CurrentIdentity;
    use super::settings::Settings;
    use super::tulle_mesh::proto::EngineAddresses;
    use super::tulle_mesh::snapshot::Snapshot;

    /// The revision that the engine says is in force.
    pub(crate) fn engine(
        _: &Settings,
        _: Option<&EngineAddresses>,
        _: Option<&CurrentIdentity>,
        snapshot: Option<&Snapshot>,
    ) -> String {
        snapshot.map(|snapshot| snapshot.revision.to_string()).unwrap_or_default()
    }
}

pub(crate) mod post {
    use super::Duration;
    use super::identity::Identity;

    #[derive(Debug)]
    pub(crate) struct PostError;

    /// Guards itself; its lock is held over none of the engine's.
    #[derive(Default)]
    pub(crate) struct Poster;

    impl Poster {
        pub(crate) fn post(&self, _: &Identity, _: &str, _: &str, _: &[u8], _: Duration) -> Result<(), PostError> {
            Ok(())
        }
    }
}

pub(crate) mod running {
    use super::error::EngineError;
    use super::identity::Identity;
    use super::mio::Waker;
    use super::settings::Settings;
    use super::tulle_mesh::proto::EngineAddresses;
    use super::tulle_mesh::snapshot::Snapshot;
    use super::tulle_mesh::telemetry::Collector;
    use super::worker::Scope;
    use super::*;
    use crate::io::shared::{Published, SharedCollector, WorkerHandle, locked};

    /// One worker without a thread; it locks what the real one locks, in that order.
    pub(crate) struct Running {
        addresses: EngineAddresses,
        worker: WorkerHandle,
        pub(crate) published: Published,
    }

    impl Running {
        pub(crate) fn start(_: &Arc<Settings>, _: &Arc<Identity>, _: &SharedCollector) -> Result<Self, EngineError> {
            let worker = WorkerHandle::new(Waker::default());
            Ok(Self { addresses: EngineAddresses, worker, published: Published::default() })
        }

        pub(crate) fn addresses(&self) -> &EngineAddresses {
            &self.addresses
        }

        pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
            IN_FORCE.with(|force| force.set(snapshot.revision));
            self.published.publish(snapshot);
        }

        pub(crate) fn collect(&self, collector: &mut Collector, now: Instant) {
            self.worker.collect(collector, now);
        }

        pub(crate) fn drain(&self, _: Scope) {}

        pub(crate) fn stop(&self, _: Duration, collector: &SharedCollector) -> bool {
            self.collect(&mut locked(collector), Instant::now());
            true
        }
    }

    // The last revision that workers were given; a model runs on one thread of the system.
    thread_local! {
        pub(crate) static IN_FORCE: std::cell::Cell<u8> = const { std::cell::Cell::new(0) };
    }
}
