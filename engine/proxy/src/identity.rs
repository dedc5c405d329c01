//! The workload's identity: its X.509-SVID, the trust bundle, and the TLS configurations made from them.

mod error;
mod generation;
mod store;
mod svid;
mod verifier;

#[cfg(test)]
mod authority_tests;
#[cfg(test)]
mod handshake_tests;
#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod svid_tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, CommonState, ServerConfig};
use rustls_pki_types::CertificateDer;
use tulle_mesh::spiffe::SpiffeId;

pub use self::error::InvalidIdentity;
use self::generation::{Generation, Trio};
use self::store::Store;

/// The identity of one engine, replaced whole by [`Identity::set`].
///
/// Handshakes take what is in force when they begin; open connections keep what they began with.
pub struct Identity {
    current: RwLock<Option<Arc<Generation>>>,
    /// Made by the last `create_csr`; taken by the `set` whose leaf fits it. Also held while one `set` works.
    pending: Mutex<Option<KeyPair>>,
    store: Option<Store>,
    time: Arc<dyn TimeProvider>,
    stored_refusal: Option<InvalidIdentity>,
}

/// Who this workload is, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentIdentity {
    /// `spiffe://trust-domain/namespace/name`.
    pub spiffe_id: String,
    /// End of the leaf's life, seconds since the epoch.
    pub not_after_unix: i64,
}

// === impl Identity ===

impl Identity {
    /// Opens the folder `dir` (made with mode 0700 where missing) and takes the stored identity, if it still holds.
    ///
    /// A stored identity that does not (expired, damaged) is not in force and not an error, since a new one may be
    /// set; [`Identity::stored_refusal`] tells why. Without `dir` nothing is stored.
    pub fn open(dir: Option<PathBuf>) -> Result<Self, InvalidIdentity> {
        Self::open_with(dir, Arc::new(DefaultTimeProvider))
    }

    /// As [`Identity::open`], with the clock that certificates are checked by.
    pub fn open_with(dir: Option<PathBuf>, time: Arc<dyn TimeProvider>) -> Result<Self, InvalidIdentity> {
        let store = dir.map(Store::open).transpose()?;
        let stored = match &store {
            Some(store) => store.load()?,
            None => None,
        };
        let built = stored.map(|trio| Generation::build(trio, time.clone())).transpose();
        let (current, stored_refusal) = match built {
            Ok(generation) => (generation.map(Arc::new), None),
            Err(refusal) => (None, Some(refusal)),
        };
        Ok(Self { current: RwLock::new(current), pending: Mutex::new(None), store, time, stored_refusal })
    }

    /// Why the identity found in the folder was not taken, if there was one and it was not.
    #[must_use]
    pub fn stored_refusal(&self) -> Option<&InvalidIdentity> {
        self.stored_refusal.as_ref()
    }

    /// Makes a P-256 key, pending until a chain for it is set, and returns a PKCS#10 request (DER) signed by it.
    ///
    /// The request names nobody: the CA writes the name that the caller has proved.
    pub fn create_csr(&self) -> Result<Vec<u8>, InvalidIdentity> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| key_error(&error))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(|error| key_error(&error))?;
        *self.pending() = Some(key);
        Ok(request.der().to_vec())
    }

    /// Puts the pending key (or the key in force, where the leaf fits that) with its chain and bundle in force for
    /// new handshakes, and stores all three. On an error nothing has changed.
    pub fn set(&self, chain_pem: &[u8], bundle_pem: &[u8]) -> Result<(), InvalidIdentity> {
        let mut pending = self.pending();
        let keys = [pending.as_ref().map(KeyPair::serialize_pem), self.key_in_force()];
        let mut refusal = InvalidIdentity::KeyMismatch;
        for key_pem in keys.into_iter().flatten() {
            let trio = Trio { key_pem, chain_pem: chain_pem.to_vec(), bundle_pem: bundle_pem.to_vec() };
            match Generation::build(trio, self.time.clone()) {
                Ok(generation) => return self.put_in_force(generation, &mut pending),
                // The other key not fitting says nothing; what is wrong with the key that fits does.
                Err(InvalidIdentity::KeyMismatch) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// The identity in force.
    #[must_use]
    pub fn current(&self) -> Option<CurrentIdentity> {
        let leaf = self.generation()?.leaf.clone();
        Some(CurrentIdentity { spiffe_id: leaf.id.as_str().to_owned(), not_after_unix: leaf.not_after_unix })
    }

    /// TLS 1.3, ALPN `h2`, client certificates required and verified as X.509-SVIDs of the bundle.
    #[must_use]
    pub fn server_config(&self) -> Option<Arc<ServerConfig>> {
        Some(self.generation()?.server.clone())
    }

    /// TLS 1.3, ALPN `h2`; the server must prove exactly the SPIFFE id `expected`. None without an identity in force
    /// or where `expected` is no SPIFFE id. Cached, so that sessions resume within one identity and bundle.
    #[must_use]
    pub fn client_config(&self, expected: &str) -> Option<Arc<ClientConfig>> {
        self.generation()?.client(expected)
    }

    /// As [`Identity::client_config`], for the control plane of the own trust domain. The same one as long as the same
    /// identity is in force.
    #[must_use]
    pub fn control_plane_config(&self) -> Option<Arc<ClientConfig>> {
        self.generation()?.control_plane()
    }

    fn put_in_force(&self, generation: Generation, pending: &mut Option<KeyPair>) -> Result<(), InvalidIdentity> {
        if let Some(store) = &self.store {
            store.save(&generation.trio)?;
        }
        if pending.as_ref().is_some_and(|key| key.serialize_pem() == generation.trio.key_pem) {
            *pending = None;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(generation));
        Ok(())
    }

    fn key_in_force(&self) -> Option<String> {
        Some(self.generation()?.trio.key_pem.clone())
    }

    fn generation(&self) -> Option<Arc<Generation>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn pending(&self) -> MutexGuard<'_, Option<KeyPair>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The SPIFFE id of a peer's leaf (DER), which the handshake has verified.
pub fn peer_spiffe_id(cert_der: &[u8]) -> Result<SpiffeId, InvalidIdentity> {
    Ok(svid::Leaf::check(&CertificateDer::from(cert_der))?.id)
}

/// After a handshake, on either side: refuses a peer with which ALPN `h2` was not agreed.
///
/// rustls leaves a missing ALPN to its caller; the server side has already turned such clients away.
pub fn check_alpn(connection: &CommonState) -> Result<(), InvalidIdentity> {
    match connection.alpn_protocol() {
        Some(b"h2") => Ok(()),
        _ => Err(InvalidIdentity::NotHttp2),
    }
}

fn key_error(error: &rcgen::Error) -> InvalidIdentity {
    InvalidIdentity::Key(error.to_string())
}
