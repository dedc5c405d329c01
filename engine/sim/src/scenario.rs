//! What is to happen in a run: plain data, drawn before it begins, so that it can be taken apart when it fails.

use crate::facts::Facts;
use crate::fault::Fault;
use crate::habits::Habits;
use crate::policy::Push;
use std::time::Duration;

/// All of a run but what the mesh makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Decides what is not written here: jitter, cuts, the workers' own choices.
    pub seed: u64,
    /// What the judge holds besides.
    pub facts: Facts,
    /// Applications that call.
    pub clients: Vec<ClientPlan>,
    /// Applications that are called.
    pub servers: Vec<ServerPlan>,
    /// What lies between them.
    pub network: NetworkPlan,
    /// How long a sidecar's turn takes: what comes meanwhile comes at once.
    pub turn: Duration,
    /// What is called.
    pub calls: Vec<CallPlan>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Policies in the order in which the control plane makes them; the first one is there from the start.
    pub pushes: Vec<Push>,
    /// After this everything is well again and nothing new begins.
    pub lasts: Duration,
    /// Whether nothing is drawn that could cost a call: each must end as its server said.
    pub calm: bool,
}

/// How an application's connection comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// HTTP/2 from the first byte.
    Plain,
    /// Behind a CONNECT.
    Connect,
    /// At the upstream's own port.
    Port,
}

/// How fast a peer gives window back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    Eager,
    /// So many bytes of each stream at a time.
    Slow {
        /// At a time.
        bytes: u32,
        /// Between two times.
        every: Duration,
    },
}

/// An application that calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientPlan {
    /// How it comes in.
    pub entry: Entry,
    /// How it reads.
    pub pace: Pace,
    /// Its SETTINGS_INITIAL_WINDOW_SIZE.
    pub window: u32,
    /// Reads a piece of its socket at a time, and so long nothing more.
    pub sips: Option<Duration>,
    /// Pings while data comes (see `Habits`).
    pub estimates: bool,
    /// Resets its calls itself when their time is over, as gRPC libraries do.
    pub keeps_deadlines: bool,
}

/// An application that is called.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerPlan {
    /// Whether a sidecar stands before it; else callers reach it in plaintext.
    pub has_sidecar: bool,
    /// How it reads.
    pub pace: Pace,
    /// Its SETTINGS_INITIAL_WINDOW_SIZE.
    pub window: u32,
    /// Its SETTINGS_MAX_CONCURRENT_STREAMS.
    pub max_streams: u32,
    /// Its SETTINGS_MAX_FRAME_SIZE.
    pub max_frame: u32,
    /// What else it does.
    pub habits: Habits,
}

/// What a kind of link is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// The least that a byte takes.
    pub latency: Duration,
    /// Added to it, from nothing to this.
    pub jitter: Duration,
    /// Bytes on their way and unread, each way, before the sender must wait.
    pub buffer: usize,
}

/// How written bytes are cut on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// As they were written.
    Whole,
    /// Of 1,448 bytes.
    Mtu,
    /// From 1 to 200 bytes.
    Tiny,
}

/// What lies between the applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// Between clients, servers and their sidecars.
    pub local: LinkPlan,
    /// Between sidecars, and to the control plane.
    pub far: LinkPlan,
    /// How bytes are cut.
    pub segments: Segments,
}

/// What a method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One request, one response.
    Unary,
    /// The same, and executing it twice does no harm.
    Idempotent,
    /// The server streams.
    Download,
    /// The client streams.
    Upload,
    /// Both do.
    Chat,
}

/// Bytes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// How many.
    pub pieces: u32,
    /// Bytes of each.
    pub bytes: u32,
    /// Between two.
    pub gap: Duration,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPlan {
    /// Its name, equal on both ends and unique in the run.
    pub id: usize,
    /// Who calls.
    pub client: usize,
    /// When.
    pub at: Duration,
    /// Which method.
    pub kind: Kind,
    /// Its `grpc-timeout`.
    pub timeout: Option<Duration>,
    /// What it sends.
    pub request: Body,
    /// When its caller gives up.
    pub cancel_after: Option<Duration>,
    /// Bytes of one more field of its head.
    pub head_bytes: u32,
    /// What its first execution is answered with, its second, and so on; the last one stands for all further ones.
    pub replies: Vec<Reply>,
}

/// When a server begins its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// When it sees the request's head.
    AtHead,
    /// When it has the whole request.
    AtEnd,
}

/// How a reply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Trailers with this status.
    Status(u32),
    /// No head and no bytes: the status in trailers only.
    Only(u32),
    /// RST_STREAM with this code.
    Reset(u32),
    /// REFUSED_STREAM, before anything is done.
    Refuse,
    /// The connection is cut.
    Cut,
    /// The last byte ends the stream, without a status.
    NoStatus,
    /// An HTTP status and nothing of gRPC.
    Http(u16),
    /// It never does.
    Silence,
}

/// What a server does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// When it begins.
    pub starts: Starts,
    /// How much later.
    pub delay: Duration,
    /// What it sends.
    pub body: Body,
    /// How it ends.
    pub ending: Ending,
    /// Its `grpc-retry-pushback-ms`.
    pub pushback: Option<i32>,
    /// RST_STREAM with this code behind a complete answer, where the request is not complete.
    pub then_resets: Option<u32>,
    /// A `tulle-reason` in its trailers.
    pub claims: Option<&'static str>,
}

// === impl Kind ===

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Unary, Self::Idempotent, Self::Download, Self::Upload, Self::Chat];

    /// Its `:path` without the slash in front.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Unary => "t.Echo/Unary",
            Self::Idempotent => "t.Echo/Idempotent",
            Self::Download => "t.Echo/Download",
            Self::Upload => "t.Echo/Upload",
            Self::Chat => "t.Echo/Chat",
        }
    }

    /// Whether its client streams.
    #[must_use]
    pub fn client_streams(self) -> bool {
        matches!(self, Self::Upload | Self::Chat)
    }

    /// Whether its server streams.
    #[must_use]
    pub fn server_streams(self) -> bool {
        matches!(self, Self::Download | Self::Chat)
    }

    /// Whether one request gets one response.
    #[must_use]
    pub fn is_unary(self) -> bool {
        !self.client_streams() && !self.server_streams()
    }
}

// === impl Body ===

impl Body {
    /// Nothing.
    pub const EMPTY: Self = Self { pieces: 0, bytes: 0, gap: Duration::ZERO };

    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        u64::from(self.pieces) * u64::from(self.bytes)
    }
}

// === impl CallPlan ===

impl CallPlan {
    /// What an execution is answered with.
    #[must_use]
    pub fn reply(&self, execution: usize) -> Reply {
        self.replies[execution.min(self.replies.len() - 1)]
    }
}

// === impl Reply ===

impl Reply {
    /// Bytes that its caller gets.
    #[must_use]
    pub fn total(&self) -> u64 {
        match self.ending {
            Ending::Only(_) | Ending::Http(_) | Ending::Refuse => 0,
            _ => self.body.total(),
        }
    }

    /// Whether the server acted, so that the call may not be executed again unless its method says so. What it says of
    /// itself in trailers is no proof that it did not (design: semantics, "Retries").
    #[must_use]
    pub fn acts(&self) -> bool {
        self.ending != Ending::Refuse
    }

    /// Whether it is what a healthy server gives.
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self.ending, Ending::Status(_) | Ending::Only(_))
    }
}
