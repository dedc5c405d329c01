//! TLS of one connection: rustls fed from our pages, plaintext coalesced before it is encrypted.

use crate::identity::{self, Identity, InvalidIdentity};
use crate::worker::TlsFault;
use rustls::{ClientConfig, Connection};
use rustls_pki_types::ServerName;
use std::io::{self, Read, Write};
use std::sync::Arc;
use tulle_mesh::spiffe::SpiffeId;

/// Ciphertext that waits for the socket, at most; beyond it plaintext stays with its connection.
const BUFFER_LIMIT: usize = 256 * 1024;

/// The name in the control plane's certificate and in requests to it: protos/names.py, CONTROL_PLANE_NAME.
pub(crate) const CONTROL_PLANE: &str = "control-plane.tulle";

/// One connection's TLS state.
pub(crate) struct Tls {
    session: Connection,
    /// An error has been met; what is left is to send its alert.
    failed: bool,
}

/// Why a handshake cannot begin or end.
#[derive(Debug)]
pub(crate) enum TlsError {
    /// No identity has been set yet.
    NoIdentity,
    /// The handshake or a record is wrong.
    Rustls(rustls::Error),
    /// The peer's certificate or protocol is.
    Peer(InvalidIdentity),
}

// === impl Tls ===

impl Tls {
    /// The accepting side: the peer must show an SVID of the bundle.
    pub(crate) fn server(identity: &Identity) -> Result<Self, TlsError> {
        let config = identity.server_config().ok_or(TlsError::NoIdentity)?;
        let session = rustls::ServerConnection::new(config).map_err(TlsError::Rustls)?;
        Ok(Self::new(session.into()))
    }

    /// The connecting side: the server must prove exactly `expected`.
    pub(crate) fn client(identity: &Identity, expected: &SpiffeId) -> Result<Self, TlsError> {
        let config = identity.client_config(expected.as_str()).ok_or(TlsError::NoIdentity)?;
        // Names prove nothing here and none is sent: an address takes the place that the API asks for.
        Self::dial(config, ServerName::from(std::net::IpAddr::from([127, 0, 0, 1])))
    }

    /// The connecting side, by [`Identity::control_plane_config`]: the server must prove to be the control plane.
    pub(crate) fn control_plane(config: Arc<ClientConfig>) -> Result<Self, TlsError> {
        let name = ServerName::try_from(CONTROL_PLANE);
        Self::dial(config, name.map_err(|error| TlsError::Rustls(rustls::Error::General(error.to_string())))?)
    }

    fn dial(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, TlsError> {
        let session = rustls::ClientConnection::new(config, name).map_err(TlsError::Rustls)?;
        Ok(Self::new(session.into()))
    }

    fn new(mut session: Connection) -> Self {
        session.set_buffer_limit(Some(BUFFER_LIMIT));
        Self { session, failed: false }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    pub(crate) fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    /// Takes ciphertext of `input`, as much as may be taken before plaintext is read.
    pub(crate) fn feed(&mut self, input: &mut &[u8]) -> Result<(), TlsError> {
        if self.failed {
            *input = &[];
            return Ok(());
        }
        let fed = self.session.read_tls(input).map_err(|error| rustls::Error::General(error.to_string()));
        // What follows a close_notify is nobody's: rustls does not take it, and asked again would not either.
        if matches!(fed, Ok(0)) {
            *input = &[];
        }
        let processed = fed.and_then(|_| self.session.process_new_packets());
        processed.map(|_| ()).map_err(|error| {
            self.failed = true;
            TlsError::Rustls(error)
        })
    }

    /// Moves decrypted plaintext into `page`; 0 where there is none.
    pub(crate) fn plaintext(&mut self, page: &mut [u8]) -> usize {
        self.session.reader().read(page).unwrap_or(0)
    }

    /// Encrypts as much of `plaintext` as the buffer takes.
    pub(crate) fn encrypt(&mut self, plaintext: &[u8]) -> usize {
        self.session.writer().write(plaintext).unwrap_or(0)
    }

    /// Writes ciphertext until there is none or the socket takes no more.
    pub(crate) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) fn close(&mut self) {
        if !self.failed {
            self.session.send_close_notify();
        }
    }

    /// After the handshake: who the peer is. A server proved it already by the handshake itself.
    pub(crate) fn peer(&self) -> Result<Option<SpiffeId>, TlsError> {
        identity::check_alpn(&self.session).map_err(TlsError::Peer)?;
        if matches!(self.session, Connection::Client(_)) {
            return Ok(None);
        }
        let leaf = self.session.peer_certificates().and_then(|chain| chain.first());
        let leaf = leaf.ok_or(TlsError::Rustls(rustls::Error::NoCertificatesPresented))?;
        identity::peer_spiffe_id(leaf).map(Some).map_err(TlsError::Peer)
    }
}

// === impl TlsError ===

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoIdentity => f.write_str("this sidecar has no identity in force yet"),
            Self::Rustls(error) => write!(f, "tls: {error}"),
            Self::Peer(error) => write!(f, "tls: {error}"),
        }
    }
}

impl TlsError {
    /// What it proves. A server sends these alerts in a handshake alone, on the certificate that it was shown (RFC 8446,
    /// section 6.2).
    pub(crate) fn fault(&self) -> TlsFault {
        use rustls::AlertDescription as Alert;
        match self {
            Self::Rustls(rustls::Error::AlertReceived(
                Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                // A signature that does not verify, of the handshake and never of a record: the same name, another key.
                | Alert::DecryptError
                | Alert::CertificateRequired,
            )) => TlsFault::CertificateRefused,
            _ => TlsFault::Broken,
        }
    }

    /// The label of `tulle.connections.refused`: something other than TLS is told apart.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Rustls(rustls::Error::InvalidMessage(_)) => "plaintext",
            _ => "tls",
        }
    }
}
