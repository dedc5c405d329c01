//! What is asked for: the flags, checked.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use tulle_bench::flags::{Flag, Flags, Usage};
use tulle_bench::messages::LONGEST;
use tulle_bench::tls::ClientTls;

use crate::shape::Shape;

pub(crate) const USAGE: Usage = Usage {
    program: "tulle-loadgen",
    about: "gRPC calls against --target; prints one line of JSON",
    flags: &[
        Flag { name: "target", value: "ADDRESS:PORT", about: "what is called" },
        Flag { name: "authority", value: "NAME", about: "the calls' :authority" },
        Flag { name: "kind", value: "KIND", about: "unary (default), server-stream, ping-pong, flood, handshake" },
        Flag { name: "payload", value: "BYTES", about: "of a message, 0 to 16777216" },
        Flag { name: "messages", value: "N", about: "of a stream, each way, 1 to 1000000; default 32; unary has 1" },
        Flag { name: "connections", value: "C", about: "how many, at least 1" },
        Flag { name: "streams", value: "S", about: "calls in flight a connection, at least 1; C x S up to 100000" },
        Flag { name: "seconds", value: "T", about: "how long, 0.01 to 7200" },
        Flag { name: "rate", value: "CALLS_PER_S", about: "open loop at this rate, 0.1 to 1000000" },
        Flag { name: "ca", value: "PEM", about: "TLS: the server's chain must lead here" },
        Flag { name: "cert", value: "PEM", about: "TLS: the own chain" },
        Flag { name: "key", value: "PEM", about: "TLS: its key" },
        Flag { name: "server-name", value: "NAME", about: "TLS: the server's host; default 127.0.0.1" },
    ],
};

const MOST_CALLS: usize = 100_000;

/// What is measured.
pub(crate) struct Plan {
    pub(crate) target: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) connections: usize,
    pub(crate) streams: usize,
    pub(crate) time: Duration,
    pub(crate) rate: Option<f64>,
    pub(crate) tls: Option<ClientTls>,
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    ServerStream,
    PingPong,
    Flood,
    Handshake,
}

// === impl Plan ===

impl Plan {
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, String> {
        let kind = flags.find("kind")?.unwrap_or(Kind::Unary);
        let asked = flags.number("messages", 1, 1_000_000, Some(32))?;
        let messages = if matches!(kind, Kind::Unary | Kind::Handshake) { 1 } else { asked };
        let payload = flags.number("payload", 0, LONGEST, None)?;
        let plan = Self {
            target: flags.get("target")?,
            kind,
            shape: Shape::new(kind, &flags.get::<String>("authority")?, payload, messages),
            connections: flags.number("connections", 1, MOST_CALLS, None)?,
            streams: flags.number("streams", 1, MOST_CALLS, None)?,
            time: Duration::from_secs_f64(flags.number("seconds", 0.01, 7200.0, None)?),
            rate: flags.has("rate").then(|| flags.number("rate", 0.1, 1e6, None)).transpose()?,
            tls: ClientTls::from_flags(flags, "", "server-name")?,
        };
        plan.checked()
    }

    fn checked(self) -> Result<Self, String> {
        if self.connections * self.streams > MOST_CALLS {
            return Err(format!("--streams {}: times --connections is over {MOST_CALLS}; give less", self.streams));
        }
        if self.kind == Kind::Handshake && self.tls.is_none() {
            return Err("--ca: is missing; --kind handshake needs it".to_owned());
        }
        if self.kind == Kind::Handshake && self.rate.is_some() {
            return Err("--rate: --kind handshake has none; leave it out".to_owned());
        }
        Ok(self)
    }
}

// === impl Kind ===

impl FromStr for Kind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "unary" => Ok(Self::Unary),
            "server-stream" => Ok(Self::ServerStream),
            "ping-pong" => Ok(Self::PingPong),
            "flood" => Ok(Self::Flood),
            "handshake" => Ok(Self::Handshake),
            _ => Err("no such kind: unary, server-stream, ping-pong, flood or handshake"),
        }
    }
}

impl Kind {
    pub(crate) fn path(self) -> &'static [u8] {
        match self {
            Self::Unary | Self::Handshake => b"/bench.Echo/Unary",
            Self::ServerStream => b"/bench.Echo/ServerStream",
            Self::PingPong => b"/bench.Echo/PingPong",
            Self::Flood => b"/bench.Echo/Flood",
        }
    }
}
