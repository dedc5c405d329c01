//! A workload CA for tests, and the folders that engines keep their identities in.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SignatureAlgorithm, date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivatePkcs8KeyDer;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tulle_proxy::Engine;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

/// Signs what engines ask for.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A folder that is gone with this value.
pub(crate) struct Folder(pub(crate) PathBuf);

struct Requested(Vec<u8>);

impl PublicKeyData for Requested {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "workloads");
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a root") }
    }

    /// Gives the engine the identity `spiffe_id` for an hour.
    pub(crate) fn issue(&self, engine: &Engine, spiffe_id: &str) {
        let chain = self.sign(&engine.create_csr().expect("a request"), spiffe_id);
        engine.set_identity(chain.as_bytes(), self.bundle().as_bytes()).expect("a good identity");
    }

    /// As `issue`, for an engine that trusts the holders of `other`'s certificates as well.
    pub(crate) fn issue_trusting(&self, other: &Self, engine: &Engine, spiffe_id: &str) {
        let chain = self.sign(&engine.create_csr().expect("a request"), spiffe_id);
        let both = self.bundle() + &other.bundle();
        engine.set_identity(chain.as_bytes(), both.as_bytes()).expect("a good identity");
    }

    /// A leaf (PEM) for the key of a request.
    pub(crate) fn sign(&self, csr: &[u8], spiffe_id: &str) -> String {
        let (_, request) = X509CertificationRequest::from_der(csr).expect("a readable request");
        let key = request.certification_request_info.subject_pki.subject_public_key.data.to_vec();
        leaf(spiffe_id).signed_by(&Requested(key), &self.issuer).expect("a leaf").pem()
    }

    pub(crate) fn bundle(&self) -> String {
        self.issuer.pem()
    }

    /// TLS of a server that is no workload: its certificate is for servers alone, with a host name beside `spiffe_id`.
    pub(crate) fn server(&self, spiffe_id: &str, host: &str) -> Arc<ServerConfig> {
        let mut params = leaf(spiffe_id);
        params.subject_alt_names.push(SanType::DnsName(host.try_into().expect("ascii")));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let chain = vec![params.signed_by(&key, &self.issuer).expect("a leaf").der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("tls 1.3")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("a good certificate");
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }
}

fn leaf(spiffe_id: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(spiffe_id.try_into().expect("ascii"))];
    let now = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    params.not_before = now - Duration::from_secs(30);
    params.not_after = now + Duration::from_secs(3600);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params
}

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("tulle-engine-{}-{}", std::process::id(), NUMBER.fetch_add(1, SeqCst));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
