//! A certificate authority for tests, and clocks that stand still.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SignatureAlgorithm, date_time_ymd,
};
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::Identity;

pub(super) const NOW: u64 = 2_000_000_000;
pub(super) const HOUR: i64 = 3_600;

/// A clock that always shows the same second.
#[derive(Debug)]
pub(super) struct Frozen(pub(super) u64);

impl TimeProvider for Frozen {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// The public key of a request.
struct Requested(Vec<u8>);

impl Requested {
    fn of(csr: &[u8]) -> Self {
        let (_, request) = X509CertificationRequest::from_der(csr).unwrap();
        let key = &request.certification_request_info.subject_pki.subject_public_key;
        Self(key.data.to_vec())
    }
}

impl PublicKeyData for Requested {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// A workload CA with one root.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "workloads");
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(super) fn bundle(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn sign(&self, params: &CertificateParams, key: &impl PublicKeyData) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).unwrap().der().clone()
    }

    /// A chain for the key that signed `csr`, as the control plane makes it.
    pub(super) fn chain(&self, csr: &[u8], params: &CertificateParams) -> String {
        let key = Requested::of(csr);
        params.signed_by(&key, &self.issuer).unwrap().pem()
    }

    /// An identity in memory for `spiffe_id`, in force at `NOW`.
    pub(super) fn identity(&self, spiffe_id: &str) -> Identity {
        let identity = Identity::open_with(None, Arc::new(Frozen(NOW))).unwrap();
        self.issue(&identity, spiffe_id, HOUR);
        identity
    }

    /// Joins or renews: a new key, and a leaf for it that ends `life` seconds after `NOW`.
    pub(super) fn issue(&self, identity: &Identity, spiffe_id: &str, life: i64) {
        let csr = identity.create_csr().unwrap();
        let chain = self.chain(&csr, &leaf(spiffe_id, life));
        identity.set(chain.as_bytes(), self.bundle().as_bytes()).unwrap();
    }
}

/// What the control plane writes into a leaf: begun 30 s before `NOW`, ended `life` seconds after it.
pub(super) fn leaf(spiffe_id: &str, life: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![uri(spiffe_id)];
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(NOW);
    params.not_before = now - Duration::from_secs(30);
    params.not_after = now + Duration::from_secs(life.cast_unsigned());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub(super) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}
