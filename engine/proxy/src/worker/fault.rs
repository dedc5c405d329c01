//! Why a connection could not be made or kept, as far as it matters whose doing that is.

/// Who is to blame for a connection that could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// The peer or the way to it: refused, unreachable, too slow, another identity.
    Peer,
    /// This side: no identity yet, no descriptor, no port. It says nothing about the peer.
    Local,
}

/// What a fault of TLS proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The server did not take our certificate. In TLS 1.3 it says so when our own handshake is done already (RFC 8446,
    /// section 4.4.2.4): requests may have been sent, and none of them was looked at.
    CertificateRefused,
    /// A record or a handshake that is wrong; what was sent may have been acted on.
    Broken,
}
