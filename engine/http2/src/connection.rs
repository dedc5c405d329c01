//! One HTTP/2 connection without its socket: bytes go in by `receive`, come out by `output`.

mod blocks_in;
mod control_in;
mod data_in;
mod data_out;
mod going_away;
mod reading;
mod receive;
mod send;
mod stalled;
mod windows;

use std::collections::VecDeque;
use std::time::Instant;

use crate::block::Block;
use crate::event::{Event, StreamId, Token};
use crate::fault::Fault;
use crate::floods::Floods;
use crate::flow::{ReceiveWindow, SendWindow};
use crate::frame;
use crate::hpack::{Decoder, Encoder};
use crate::output::{Output, Unread};
use crate::settings::{self, DEFAULT_FRAME, DEFAULT_WINDOW, PeerSettings};
use crate::streams::Streams;
use crate::{Config, ConnectionError, Role};

use going_away::GoingAway;
use reading::Reading;

pub use stalled::{Stalled, Waits};

/// One end of an HTTP/2 connection.
///
/// Nothing here blocks, reads a clock or writes to a socket. Feed [`Connection::receive`] until it gives `None`, act on
/// its events, then write [`Connection::output`] once.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    reading: Reading,
    /// The part of a frame that came before the rest of it; DATA is never kept here.
    carry: Vec<u8>,
    /// Of use within a frame only, so that whole ones cost nothing.
    unfinished_since: Option<Instant>,
    /// The header block that waits for its CONTINUATION.
    block: Option<Box<Block>>,
    decoder: Decoder,
    encoder: Encoder,
    streams: Streams,
    /// Slots with queued DATA and stream window.
    ready: VecDeque<u32>,
    /// DATA that left queues and was not yet told.
    progress: Vec<(StreamId, Token, usize)>,
    /// Events made by one frame beyond its first.
    pending: VecDeque<Event<'static>>,
    output: Output,
    unread: Unread,
    peer: PeerSettings,
    settings_received: bool,
    /// Size of new streams' receive windows: the default until the peer acknowledges ours.
    stream_window: u32,
    send: SendWindow,
    receive: ReceiveWindow,
    /// When the last read was worked off.
    read_at: Option<Instant>,
    /// DATA was told, and what came with it is not worked off.
    is_reading: bool,
    /// Streams that are to get window back when it is.
    owes: Vec<u32>,
    /// Where the windows' rounds are counted from.
    counted_from: Option<Instant>,
    floods: Floods,
    /// Highest stream identifier used by the client, whichever end that is.
    highest: u32,
    going_away: GoingAway,
    /// What was wrong with the last field section that was malformed.
    fault: Option<Box<Fault>>,
    failed: Option<ConnectionError>,
}

// === impl Connection ===

impl Connection {
    /// A new connection; its output already holds the preface (client), SETTINGS and a WINDOW_UPDATE.
    ///
    /// Figures of `config` outside the protocol's ranges are brought to the nearest allowed.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let config = allowed(config);
        let mut made = Self {
            config,
            reading: Reading::start(config.role),
            carry: Vec::new(),
            unfinished_since: None,
            block: None,
            decoder: Decoder::new(),
            encoder: Encoder::new(config.encoder_table),
            streams: Streams::new(config.max_concurrent_streams),
            ready: VecDeque::new(),
            progress: Vec::new(),
            pending: VecDeque::new(),
            output: Output::default(),
            unread: most_unread(&config),
            peer: PeerSettings::assumed(),
            settings_received: false,
            // The peer may use what it believes until it acknowledges, so the larger of both holds till then.
            stream_window: DEFAULT_WINDOW.max(config.stream_window),
            send: SendWindow::new(DEFAULT_WINDOW),
            receive: ReceiveWindow::new(config.connection_window),
            read_at: None,
            is_reading: false,
            owes: Vec::new(),
            counted_from: None,
            floods: Floods::new(config.peer_limits),
            highest: 0,
            going_away: GoingAway::default(),
            fault: None,
            failed: None,
        };
        made.write_start();
        made
    }

    /// Bytes to write to the socket.
    #[inline]
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.output.waiting()
    }

    /// Whether so much waits to be written that DATA stays with its streams ([`Config::output_high_water`]).
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.output.waiting().len() >= self.config.output_high_water
    }

    /// Tells that the whole output is offered to the socket now. Frames that wait on after that count as unread.
    #[inline]
    pub fn offer_output(&mut self) {
        self.output.offer();
    }

    /// Whether more may be read from the peer: not while it leaves more unread than [`crate::PeerLimits::unread_bytes`].
    #[inline]
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.output.len() < self.config.peer_limits.unread_bytes
    }

    /// Tells that the first `written` bytes of the output are on their way; then call [`Self::pump`].
    #[inline]
    pub fn advance_output(&mut self, written: usize) {
        self.output.advance(written);
    }

    /// Streams that we have ended whose end is still in the output, not wholly on its way. A walk over the output: for
    /// rare events.
    #[must_use]
    pub fn unsent_ends(&self) -> usize {
        self.output.unsent_ends()
    }

    /// Streams open or half-closed.
    #[inline]
    #[must_use]
    pub fn active_streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether a stream is open or half-closed.
    #[inline]
    #[must_use]
    pub fn is_live(&self, stream: StreamId) -> bool {
        self.streams.live(stream.0).is_some()
    }

    /// The peer's limit of our streams; 100 before its first SETTINGS.
    #[must_use]
    pub fn peer_max_streams(&self) -> u32 {
        self.peer.max_streams
    }

    /// How many more streams [`Self::open`] would give now.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        if self.config.role == Role::Server || self.is_closing() {
            return 0;
        }
        let by_limit = (self.peer.max_streams as usize).saturating_sub(self.streams.len());
        by_limit.min(self.identifiers_left())
    }

    /// Whether the peer's first SETTINGS arrived.
    #[must_use]
    pub fn settings_received(&self) -> bool {
        self.settings_received
    }

    /// Since when a header block waits for its CONTINUATION; over five seconds is an attack, and if nothing more comes
    /// only the caller's clock can see it.
    #[must_use]
    pub fn header_block_since(&self) -> Option<Instant> {
        self.block.as_deref().map(Block::since)
    }

    /// What was wrong with the field section for which `stream` was reset, of use right after its
    /// [`Event::StreamError`]; `None` where it was for something else.
    #[must_use]
    pub fn fault(&self, stream: StreamId) -> Option<&Fault> {
        self.fault.as_deref().filter(|fault| fault.stream == stream.0)
    }

    /// Gives back memory that only traffic needs: of streams that have ended and of buffers that are empty. Says how many
    /// bytes that were; what is live loses nothing.
    pub fn trim(&mut self) -> usize {
        if self.streams.len() == 0 {
            self.ready = VecDeque::new();
        }
        self.output.trim()
            + self.streams.trim()
            + spare(&mut self.carry)
            + spare(&mut self.progress)
            + spare(&mut self.owes)
    }

    fn write_start(&mut self) {
        if self.config.role == Role::Client {
            self.output.buffer().extend_from_slice(frame::PREFACE);
            self.output.begin_frames();
        }
        let announced = settings::announced(&self.config);
        self.output.frame(frame::SETTINGS, 0, 0, &announced);
        let more = self.config.connection_window - DEFAULT_WINDOW;
        if more > 0 {
            self.output.window_update(0, more);
        }
    }

    fn identifiers_left(&self) -> usize {
        ((settings::MOST_WINDOW - self.highest) / 2) as usize
    }
}

/// A client that keeps to its limit of streams has no more replies to read than those streams have: a head, trailers, a
/// reset and a few heads of 1xx each.
fn most_unread(config: &Config) -> Unread {
    const REPLIES_A_STREAM: u32 = 10;
    let answers = config.peer_limits.unread_frames;
    Unread { answers, replies: answers.max(config.max_concurrent_streams.saturating_mul(REPLIES_A_STREAM)) }
}

/// Gives an empty list's memory back and says how many bytes that were.
fn spare<T>(list: &mut Vec<T>) -> usize {
    if !list.is_empty() {
        return 0;
    }
    std::mem::take(list).capacity() * size_of::<T>()
}

fn allowed(config: Config) -> Config {
    let stream_window = config.stream_window.min(settings::MOST_WINDOW);
    let connection_window = config.connection_window.clamp(DEFAULT_WINDOW, settings::MOST_WINDOW);
    Config {
        stream_window,
        connection_window,
        max_stream_window: config.max_stream_window.clamp(stream_window, settings::MOST_WINDOW),
        max_connection_window: config.max_connection_window.clamp(connection_window, settings::MOST_WINDOW),
        max_frame_size: config.max_frame_size.clamp(DEFAULT_FRAME, (1 << 24) - 1),
        ..config
    }
}
