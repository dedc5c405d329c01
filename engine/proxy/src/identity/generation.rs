//! One identity in force: its leaf, and the TLS configurations made from it. Never changed, only replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig, version::TLS13};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tulle_mesh::spiffe::SpiffeId;

use super::verifier::{AnyWorkload, ExactServer, ServerKind};
use super::{InvalidIdentity, svid};

// The path of the control plane's SPIFFE id: control_plane/identity/authority.py. Its namespace is reserved.
const CONTROL_PLANE_PATH: &str = "/tulle/control-plane";
const ALPN_H2: &[u8] = b"h2";
const SERVER_SESSIONS: usize = 256;
const CLIENT_SESSIONS: usize = 32;
// One configuration an upstream identity; a snapshot that names more makes them afresh, never grows this without end.
const MAX_CLIENT_CONFIGS: usize = 1024;

/// The texts that make an identity, as they are stored.
#[derive(Clone)]
pub(crate) struct Trio {
    pub(crate) key_pem: String,
    pub(crate) chain_pem: Vec<u8>,
    pub(crate) bundle_pem: Vec<u8>,
}

/// One identity in force, with everything made from it: sessions are resumed within a generation only, so
/// never across a change of identity or bundle.
pub(crate) struct Generation {
    pub(crate) trio: Trio,
    pub(crate) leaf: svid::Leaf,
    pub(crate) server: Arc<ServerConfig>,
    clients: Mutex<HashMap<String, Arc<ClientConfig>>>,
    control_plane: OnceLock<Arc<ClientConfig>>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    time: Arc<dyn TimeProvider>,
    own: Arc<CertifiedKey>,
}

/// Shows the own certificate to those who speak HTTP/2, and to nobody else.
#[derive(Debug)]
struct Http2Only(Arc<CertifiedKey>);

// === impl Generation ===

impl Generation {
    /// Checks the trio as one: the key fits the leaf, the leaf is an SVID, the chain leads to the bundle now.
    pub(crate) fn build(trio: Trio, time: Arc<dyn TimeProvider>) -> Result<Self, InvalidIdentity> {
        let provider = Arc::new(provider());
        let chain = certificates("chain", &trio.chain_pem)?;
        let roots = Arc::new(roots(&trio.bundle_pem)?);
        let leaf = match chain.first() {
            Some(first) => svid::Leaf::check(first)?,
            None => {
                return Err(InvalidIdentity::Malformed("chain", "it is empty".to_owned()));
            }
        };
        let own = Arc::new(certified_key(chain, &trio.key_pem, &provider)?);
        check_path(&own, &leaf.id, &roots, &provider, time.as_ref())?;
        let server = Arc::new(server_config(&own, &leaf.id, &roots, &provider, &time)?);
        seed(&provider);
        let (clients, control_plane) = (Mutex::default(), OnceLock::new());
        Ok(Self { trio, leaf, server, clients, control_plane, roots, provider, time, own })
    }

    /// The configuration that dials `expected`, made once.
    pub(crate) fn client(&self, expected: &str) -> Option<Arc<ClientConfig>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = clients.get(expected) {
            return Some(config.clone());
        }
        SpiffeId::parse(expected).ok()?;
        if clients.len() >= MAX_CLIENT_CONFIGS {
            clients.clear();
        }
        let mut config = self.client_config(expected, ServerKind::Workload)?;
        config.resumption = Resumption::in_memory_sessions(CLIENT_SESSIONS);
        let config = Arc::new(config);
        clients.insert(expected.to_owned(), config.clone());
        Some(config)
    }

    /// The configuration that dials the control plane, made once. Its one connection is seldom made: nothing is resumed.
    pub(crate) fn control_plane(&self) -> Option<Arc<ClientConfig>> {
        if let Some(config) = self.control_plane.get() {
            return Some(config.clone());
        }
        let expected = format!("spiffe://{}{CONTROL_PLANE_PATH}", self.leaf.id.trust_domain());
        let config = Arc::new(self.client_config(&expected, ServerKind::ControlPlane)?);
        Some(self.control_plane.get_or_init(|| config).clone())
    }

    fn client_config(&self, expected: &str, kind: ServerKind) -> Option<ClientConfig> {
        let domain = self.leaf.id.trust_domain();
        let verifier = ExactServer::new(self.roots.clone(), self.provider.clone(), domain, expected, kind);
        let mut config = ClientConfig::builder_with_details(self.provider.clone(), self.time.clone())
            .with_protocol_versions(&[&TLS13])
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.own.clone())));
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        config.resumption = Resumption::disabled();
        Some(config)
    }
}

// === impl Http2Only ===

impl ResolvesServerCert for Http2Only {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls lets a client without ALPN in; a peer that does not say h2 must not get further than this.
        let offers_h2 = hello.alpn()?.any(|protocol| protocol == ALPN_H2);
        offers_h2.then(|| self.0.clone())
    }
}

fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    // First in the list means preferred and sent as the key share, whatever the features of the crate say.
    let preferred = aws_lc_rs::kx_group::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != preferred.name());
    provider.kx_groups.insert(0, preferred);
    provider
}

/// Takes the process's first random bytes here. aws-lc gathers 22 ms of timing jitter for them: after a start from a
/// stored key that would be in the first handshake, on a worker, and every call of that worker would wait.
fn seed(provider: &CryptoProvider) {
    // Without entropy no handshake succeeds, and says so itself.
    let _ = provider.secure_random.fill(&mut [0]);
}

fn server_config(
    own: &Arc<CertifiedKey>,
    id: &SpiffeId,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    time: &Arc<dyn TimeProvider>,
) -> Result<ServerConfig, InvalidIdentity> {
    let verifier = AnyWorkload::new(roots.clone(), provider.clone(), id.trust_domain())?;
    let mut config = ServerConfig::builder_with_details(provider.clone(), time.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| InvalidIdentity::Key(error.to_string()))?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(Http2Only(own.clone())));
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.session_storage = ServerSessionMemoryCache::new(SERVER_SESSIONS);
    config.send_tls13_tickets = 1;
    Ok(config)
}

fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key_pem: &str,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, InvalidIdentity> {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|error| malformed("key", &error))?;
    let signer =
        provider.key_provider.load_private_key(key).map_err(|error| InvalidIdentity::Key(error.to_string()))?;
    let certified = CertifiedKey::new(chain, signer);
    certified.keys_match().map_err(|_| InvalidIdentity::KeyMismatch)?;
    Ok(certified)
}

// Our own chain goes through what peers will do with it, so that a bad one is refused here and not by all of them.
fn check_path(
    own: &CertifiedKey,
    id: &SpiffeId,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    time: &dyn TimeProvider,
) -> Result<(), InvalidIdentity> {
    use rustls::server::danger::ClientCertVerifier as _;

    let untrusted = |cause: String| InvalidIdentity::Untrusted(cause);
    let now = time.current_time().ok_or_else(|| untrusted("this machine's clock cannot be read".to_owned()))?;
    let verifier = AnyWorkload::new(roots.clone(), provider.clone(), id.trust_domain())?;
    let Some((leaf, intermediates)) = own.cert.split_first() else {
        return Err(InvalidIdentity::Malformed("chain", "it is empty".to_owned()));
    };
    verifier.verify_client_cert(leaf, intermediates, now).map_err(|error| untrusted(error.to_string()))?;
    Ok(())
}

fn roots(bundle_pem: &[u8]) -> Result<RootCertStore, InvalidIdentity> {
    let mut roots = RootCertStore::empty();
    for root in certificates("bundle", bundle_pem)? {
        svid::check_root(&root)?;
        roots.add(root).map_err(|error| InvalidIdentity::Malformed("bundle", error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(InvalidIdentity::Malformed("bundle", "it holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn certificates(part: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidIdentity> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| malformed(part, &error))
}

fn malformed(part: &'static str, error: &rustls_pki_types::pem::Error) -> InvalidIdentity {
    InvalidIdentity::Malformed(part, error.to_string())
}
