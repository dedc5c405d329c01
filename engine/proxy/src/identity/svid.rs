//! The rules that a leaf must keep to be an X.509-SVID (SPIFFE X509-SVID specification, sections 2 to 5).

use rustls_pki_types::CertificateDer;
use tulle_mesh::spiffe::SpiffeId;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::InvalidIdentity;

/// Characters of a wrong uri that are repeated to whoever sent it, at most.
const MOST_TOLD: usize = 300;

/// What a checked leaf says: who it is, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) id: SpiffeId,
    pub(crate) not_after_unix: i64,
}

// === impl Leaf ===

impl Leaf {
    /// Checks everything that the certificate alone can tell; trust in its issuer is the verifier's to check.
    pub(crate) fn check(der: &CertificateDer<'_>) -> Result<Self, InvalidIdentity> {
        let leaf = Self::check_server(der)?;
        check_extended_key_usage(&parse(der)?)?;
        Ok(leaf)
    }

    /// As [`Leaf::check`], for a holder that is a server alone and so no workload: the extended key usage is webpki's to
    /// check.
    pub(crate) fn check_server(der: &CertificateDer<'_>) -> Result<Self, InvalidIdentity> {
        let certificate = parse(der)?;
        if is_ca(&certificate)? {
            return refuse("the leaf is a CA (basic constraints)");
        }
        check_key_usage(&certificate)?;
        let id = sole_uri(&certificate)?;
        Ok(Self { id, not_after_unix: certificate.validity().not_after.timestamp() })
    }
}

/// A bundle holds roots alone: a leaf in it would be trusted to be everybody.
pub(crate) fn check_root(der: &CertificateDer<'_>) -> Result<(), InvalidIdentity> {
    let certificate = parse(der)?;
    if is_ca(&certificate)? {
        return Ok(());
    }
    Err(InvalidIdentity::Untrusted(format!("the bundle's certificate {} is not a CA", certificate.subject())))
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, InvalidIdentity> {
    match X509Certificate::from_der(der.as_ref()) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(InvalidIdentity::Malformed("certificate", "bytes follow it".to_owned())),
        Err(error) => Err(InvalidIdentity::Malformed("certificate", error.to_string())),
    }
}

fn is_ca(certificate: &X509Certificate<'_>) -> Result<bool, InvalidIdentity> {
    let constraints = certificate.basic_constraints().map_err(unreadable)?;
    Ok(constraints.is_some_and(|extension| extension.value.ca))
}

fn check_key_usage(certificate: &X509Certificate<'_>) -> Result<(), InvalidIdentity> {
    let Some(usage) = certificate.key_usage().map_err(unreadable)? else {
        return refuse("the key usage extension is missing");
    };
    if usage.value.key_cert_sign() || usage.value.crl_sign() {
        return refuse("the leaf's key usage has keyCertSign or cRLSign");
    }
    if !usage.value.digital_signature() {
        return refuse("the leaf's key usage lacks digitalSignature");
    }
    Ok(())
}

// Section 4.4: where the extension is there, both uses must be, for a workload is client and server alike.
fn check_extended_key_usage(certificate: &X509Certificate<'_>) -> Result<(), InvalidIdentity> {
    match certificate.extended_key_usage().map_err(unreadable)? {
        Some(usage) if !(usage.value.client_auth && usage.value.server_auth) => {
            refuse("the extended key usage lacks clientAuth or serverAuth")
        }
        _ => Ok(()),
    }
}

fn sole_uri(certificate: &X509Certificate<'_>) -> Result<SpiffeId, InvalidIdentity> {
    let Some(names) = certificate.subject_alternative_name().map_err(unreadable)? else {
        return refuse("the leaf has no subject alternative name");
    };
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => spiffe_id(uri),
        (None, _) => refuse("the leaf has no uri"),
        (Some(_), Some(_)) => refuse("the leaf has more than one uri"),
    }
}

fn spiffe_id(uri: &str) -> Result<SpiffeId, InvalidIdentity> {
    let told: String = uri.chars().take(MOST_TOLD).collect();
    SpiffeId::parse(uri).map_err(|invalid| InvalidIdentity::NotAnSvid(format!("its uri {told:?} {invalid}")))
}

fn unreadable(error: x509_parser::error::X509Error) -> InvalidIdentity {
    InvalidIdentity::Malformed("certificate", error.to_string())
}

fn refuse<T>(cause: &str) -> Result<T, InvalidIdentity> {
    Err(InvalidIdentity::NotAnSvid(cause.to_owned()))
}
