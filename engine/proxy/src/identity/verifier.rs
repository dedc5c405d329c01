//! How a peer's certificate is verified in the handshake: webpki's path validation against the bundle, then SPIFFE's rules.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{InvalidIdentity, svid::Leaf};

/// Any workload of the trust domain may call; authorization decides later who may do what.
#[derive(Debug)]
pub(crate) struct AnyWorkload {
    path: Arc<dyn ClientCertVerifier>,
    trust_domain: String,
}

/// The server must be exactly one holder of an identity. Addresses prove nothing in a mesh and are not looked at.
#[derive(Debug)]
pub(crate) struct ExactServer {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    expected: String,
    trust_domain: String,
    kind: ServerKind,
}

/// What the server's certificate must be besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerKind {
    /// A workload's SVID; host names are not looked at.
    Workload,
    /// The control plane's: for servers alone, and with the host name that only the control plane gives itself.
    ControlPlane,
}

// === impl AnyWorkload ===

impl AnyWorkload {
    pub(crate) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        trust_domain: &str,
    ) -> Result<Self, InvalidIdentity> {
        let path = WebPkiClientVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| InvalidIdentity::Untrusted(error.to_string()))?;
        Ok(Self { path, trust_domain: trust_domain.to_owned() })
    }
}

impl ClientCertVerifier for AnyWorkload {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A workload has one certificate to show; hints would only cost bytes and tell strangers our roots' names.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.path.verify_client_cert(end_entity, intermediates, now)?;
        let leaf = Leaf::check(end_entity)?;
        check_trust_domain(&leaf, &self.trust_domain)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.path.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.path.supported_verify_schemes()
    }
}

// === impl ExactServer ===

impl ExactServer {
    pub(crate) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        trust_domain: &str,
        expected: &str,
        kind: ServerKind,
    ) -> Self {
        Self { roots, provider, expected: expected.to_owned(), trust_domain: trust_domain.to_owned(), kind }
    }
}

impl ServerCertVerifier for ExactServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        let leaf = match self.kind {
            ServerKind::Workload => Leaf::check(end_entity)?,
            ServerKind::ControlPlane => {
                verify_server_name(&parsed, server_name)?;
                Leaf::check_server(end_entity)?
            }
        };
        check_trust_domain(&leaf, &self.trust_domain)?;
        if leaf.id.as_str() != self.expected {
            let proved = leaf.id.as_str().to_owned();
            return Err(InvalidIdentity::UnexpectedPeer { expected: self.expected.clone(), proved }.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

// A bundle speaks for its own trust domain only: its roots cannot vouch for another one's workloads.
fn check_trust_domain(leaf: &Leaf, trust_domain: &str) -> Result<(), InvalidIdentity> {
    if leaf.id.trust_domain() == trust_domain {
        return Ok(());
    }
    let cause = format!("{} is not of the trust domain {trust_domain}", leaf.id.as_str());
    Err(InvalidIdentity::Untrusted(cause))
}
