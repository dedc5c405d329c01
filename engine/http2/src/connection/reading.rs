//! Where in the byte stream a connection is, and since when a frame is unfinished.

use std::time::Instant;

use super::Connection;
use crate::Role;
use crate::frame::Head;

/// Where in the byte stream we are.
///
/// `Preface => Head => (Head | Payload | Data)`, `Payload => Head`, `Data => Head`; an error goes nowhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// So many bytes of the client's preface have come.
    Preface(usize),
    /// Between two frames, or within a frame header.
    Head,
    /// Within a frame that is handled whole.
    Payload(Head),
    /// Within a DATA frame, passed on as it comes.
    Data(DataFrame),
}

/// What one step of the walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was taken; there may be more.
    Done,
    /// Nothing goes on without more input.
    NeedsInput,
}

/// The rest of a DATA frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataFrame {
    pub(super) stream: u32,
    /// Payload still to come; with the padding while that is not known.
    pub(super) payload: u32,
    pub(super) padding: u32,
    /// The padding's length byte is still to come.
    pub(super) is_padded: bool,
    pub(super) ends_stream: bool,
}

// === impl Reading ===

impl Reading {
    pub(super) fn start(role: Role) -> Self {
        match role {
            Role::Client => Self::Head,
            Role::Server => Self::Preface(0),
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Since when a frame that has begun waits for the rest of it, `None` between two frames. Of DATA, which is passed on as
    /// it comes, since its last byte; of all others, which are not, since the first: no honest peer takes long over them.
    #[must_use]
    pub fn frame_since(&self) -> Option<Instant> {
        let is_within = match self.reading {
            Reading::Preface(_) => false,
            Reading::Head => !self.carry.is_empty(),
            Reading::Payload(_) | Reading::Data(_) => true,
        };
        self.unfinished_since.filter(|_| is_within)
    }
}
