//! What can be wrong with an identity: one variant a cause.

use std::fmt;

/// A certificate chain, bundle or identity folder that is refused; the last identity stays in force.
#[derive(Debug)]
pub enum InvalidIdentity {
    /// Text that should be PEM or DER is neither; names the part ("chain", "bundle", "key", "certificate").
    Malformed(&'static str, String),
    /// A rule of the X.509-SVID specification is broken.
    NotAnSvid(String),
    /// The leaf's public key is neither the pending key's nor the one's in force.
    KeyMismatch,
    /// The chain does not lead to a root of the bundle, or not at this time or for this use.
    Untrusted(String),
    /// The peer proved another identity than the expected one.
    UnexpectedPeer {
        /// The SPIFFE id that the endpoint must have.
        expected: String,
        /// The SPIFFE id that it proved.
        proved: String,
    },
    /// The peer does not speak HTTP/2 (ALPN `h2`).
    NotHttp2,
    /// A key could not be made or used.
    Key(String),
    /// The identity folder cannot be read or written.
    Folder {
        /// The path in question.
        path: String,
        /// What the operating system said, or which permission is wrong.
        cause: String,
    },
}

// === impl InvalidIdentity ===

impl fmt::Display for InvalidIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(part, cause) => {
                write!(f, "the {part} cannot be read: {cause}; it must be PEM with DER inside")
            }
            Self::NotAnSvid(cause) => write!(f, "not an X.509-SVID: {cause}"),
            Self::KeyMismatch => {
                f.write_str("the chain fits neither the pending key nor the one in force; create a new csr")
            }
            Self::Untrusted(cause) => write!(f, "the chain is not trusted by the bundle: {cause}"),
            Self::UnexpectedPeer { expected, proved } => {
                write!(f, "the peer proved {proved} where {expected} is required")
            }
            Self::NotHttp2 => f.write_str("the peer does not offer alpn h2; only http/2 is spoken in the mesh"),
            Self::Key(cause) => write!(f, "the private key cannot be made or used: {cause}"),
            Self::Folder { path, cause } => {
                write!(f, "identity_dir {path}: {cause}; it must be a folder of this user alone (mode 0700)")
            }
        }
    }
}

impl std::error::Error for InvalidIdentity {}

impl From<InvalidIdentity> for rustls::Error {
    fn from(error: InvalidIdentity) -> Self {
        let other = rustls::OtherError(std::sync::Arc::new(error));
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))
    }
}
