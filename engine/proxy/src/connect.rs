//! What a plaintext connection speaks: an HTTP CONNECT first, the HTTP/2 preface, or nothing that is understood here.

use tulle_mesh::router::MAX_AUTHORITY;

const PREFACE: &[u8] = tulle_http2::PREFACE;
const CONNECT: &[u8] = b"CONNECT ";
/// Most bytes of a CONNECT request; gRPC libraries send about 150.
const MAX_HEAD: usize = 8 * 1024;
/// What a CONNECT is answered with.
pub(crate) const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// What the first bytes of a connection turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// Too few bytes to tell.
    More,
    /// HTTP/2 from its first byte.
    Preface,
    /// A CONNECT to this authority; its head takes `length` bytes, HTTP/2 follows.
    Connect { authority: Vec<u8>, length: usize },
    /// Neither.
    Refused(NotUnderstood),
}

/// Why a connection is not understood; each with the reply that says so in its own language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotUnderstood {
    Tls,
    Http1,
    BadConnect,
    Unknown,
}

/// Looks at the first bytes of a connection, all of them each time.
pub(crate) fn sniff(bytes: &[u8]) -> Sniffed {
    let common = |wanted: &[u8]| bytes.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    if common(PREFACE) == bytes.len().min(PREFACE.len()) {
        return if bytes.len() < PREFACE.len() { Sniffed::More } else { Sniffed::Preface };
    }
    if common(CONNECT) == bytes.len().min(CONNECT.len()) {
        return if bytes.len() < CONNECT.len() { Sniffed::More } else { connect(bytes) };
    }
    other(bytes)
}

fn connect(bytes: &[u8]) -> Sniffed {
    let within = &bytes[..bytes.len().min(MAX_HEAD)];
    let Some(end) = within.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() >= MAX_HEAD { Sniffed::Refused(NotUnderstood::BadConnect) } else { Sniffed::More };
    };
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    match (words.next(), words.next(), words.next()) {
        (Some(authority), Some(b"HTTP/1.1" | b"HTTP/1.0"), None) if is_authority(authority) => {
            Sniffed::Connect { authority: authority.to_ascii_lowercase(), length: end + 4 }
        }
        _ => Sniffed::Refused(NotUnderstood::BadConnect),
    }
}

fn is_authority(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_AUTHORITY && bytes.iter().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(byte))
}

/// What is refused, once enough has come to be told in its own language: the same wherever the bytes were cut.
fn other(bytes: &[u8]) -> Sniffed {
    const TLS: &[u8] = &[0x16, 0x03];
    const METHODS: [&[u8]; 8] = [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE "];
    if bytes.starts_with(TLS) {
        return Sniffed::Refused(NotUnderstood::Tls);
    }
    if METHODS.iter().any(|method| bytes.starts_with(method)) {
        return Sniffed::Refused(NotUnderstood::Http1);
    }
    if METHODS.iter().any(|method| method.starts_with(bytes)) || TLS.starts_with(bytes) {
        return Sniffed::More;
    }
    Sniffed::Refused(NotUnderstood::Unknown)
}

// === impl NotUnderstood ===

impl NotUnderstood {
    /// The label of `tulle.connections.refused`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Http1 | Self::BadConnect | Self::Unknown => "preface",
        }
    }

    /// What came, for whoever reads the log.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Tls => "tls came where plaintext is spoken",
            Self::Http1 => "http/1 came where http/2 or http connect is spoken",
            Self::BadConnect => "an http connect came that names no host, or is too long",
            Self::Unknown => "what came is neither http/2 nor http connect",
        }
    }

    /// What is sent before the connection is closed.
    pub(crate) fn reply(self) -> &'static [u8] {
        match self {
            // A TLS alert record: fatal, protocol_version.
            Self::Tls => b"\x15\x03\x03\x00\x02\x02\x46",
            Self::Http1 => {
                b"HTTP/1.1 426 Upgrade Required\r\nupgrade: h2c\r\nconnection: close, upgrade\r\ncontent-length: 75\r\n\r\n\
                tulle carries grpc: speak http/2 with prior knowledge here, or http connect"
            }
            Self::BadConnect => b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            Self::Unknown => b"",
        }
    }
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
