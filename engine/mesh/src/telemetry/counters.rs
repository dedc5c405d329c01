//! Everything that is counted besides calls: a name of the table in `protos/names.py` and one label.

/// A counter of `ENGINE_COUNTERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum CounterName {
    BrokenByMesh,
    Panics,
    Impossible,
    ConnectionsAccepted,
    ConnectionsClosed,
    ConnectionsRefused,
    RetriesSkipped,
    ProtocolErrors,
    StreamErrors,
    LimitsExceeded,
    InformationalDropped,
    SnapshotsApplied,
    SnapshotsRefused,
}

/// The name of a counter whose label is a service: ejections that were not made, or taken back, because too many endpoints
/// would have been out. It is kept with the endpoints.
pub const EJECTIONS_SPARED: &str = "tulle.ejections.spared";

/// Counts by name and label. Labels are words of the program, so their number is bounded by its text.
#[derive(Clone, Debug, Default)]
pub struct Counters(Vec<(CounterName, &'static str, u64)>);

impl CounterName {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BrokenByMesh => "tulle.rpcs_broken_by_mesh",
            Self::Panics => "tulle.engine.panics",
            Self::Impossible => "tulle.engine.impossible",
            Self::ConnectionsAccepted => "tulle.connections.accepted",
            Self::ConnectionsClosed => "tulle.connections.closed",
            Self::ConnectionsRefused => "tulle.connections.refused",
            Self::RetriesSkipped => "tulle.retries.skipped",
            Self::ProtocolErrors => "tulle.protocol.errors",
            Self::StreamErrors => "tulle.protocol.stream_errors",
            Self::LimitsExceeded => "tulle.limits.exceeded",
            Self::InformationalDropped => "tulle.informational.dropped",
            Self::SnapshotsApplied => "tulle.snapshots.applied",
            Self::SnapshotsRefused => "tulle.snapshots.refused",
        }
    }
}

impl Counters {
    /// No counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `by` to a counter; `label` is "" where the name has none.
    pub fn add(&mut self, name: CounterName, label: &'static str, by: u64) {
        // A few dozen entries at most and none of them on a call's way: a walk is as quick as a hash.
        match self.0.iter_mut().find(|(n, l, _)| *n == name && *l == label) {
            Some((_, _, value)) => *value += by,
            None => self.0.push((name, label, by)),
        }
    }

    /// One counter's value.
    #[must_use]
    pub fn get(&self, name: CounterName, label: &str) -> u64 {
        self.0.iter().find(|(n, l, _)| *n == name && *l == label).map_or(0, |(_, _, value)| *value)
    }

    /// Adds all of `other` and sets it to 0.
    pub fn absorb(&mut self, other: &mut Self) {
        for (name, label, value) in &mut other.0 {
            self.add(*name, label, std::mem::take(value));
        }
    }

    /// All counters, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (CounterName, &'static str, u64)> {
        self.0.iter().copied()
    }
}
