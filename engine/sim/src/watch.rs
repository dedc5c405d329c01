//! A model of one connection of a sidecar, kept by hand from the bytes that it read and wrote (RFC 9113, section 6.9):
//! both windows, the peer's frame size and stream limit, and that nothing is said after an end.

use crate::frames::{self, Before, Frame, Walker};
use crate::time::Time;
use std::collections::{BTreeMap, VecDeque};

const DEFAULT_WINDOW: i64 = 65_535;
/// What a sidecar lets a stream and a whole connection send at most (design: semantics, "Metadata and limits").
const MOST_STREAM_WINDOW: i64 = 4 << 20;
const MOST_CONNECTION_WINDOW: i64 = 16 << 20;
const MAX_STREAMS: u16 = 3;
const INITIAL_WINDOW: u16 = 4;
const MAX_FRAME: u16 = 5;

/// A stream that began or ended, for those who keep its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The sidecar has read the whole head of a request.
    Asked(u32),
    /// The sidecar has written the end of its reply, or a reset.
    Answered(u32),
    /// Its peer has reset it.
    GivenUp(u32),
}

#[derive(Debug, Default)]
struct Stream {
    /// What the peer gave, less what was written.
    window: i64,
    /// What came, less what was given back.
    held: i64,
    ended_in: bool,
    ended_out: bool,
    /// Reset by either.
    cut: bool,
    counted: bool,
}

/// The model.
#[derive(Debug)]
pub(crate) struct Watch {
    into: Walker,
    out: Walker,
    opens: bool,
    /// What the sidecar may still write on the connection.
    window: i64,
    initial: i64,
    max_frame: u32,
    max_streams: u32,
    /// The peer's SETTINGS that the sidecar has read and not acknowledged: they bind it from there on.
    unacknowledged: VecDeque<Vec<(u16, u32)>>,
    /// What the peer may still send on the connection.
    peers: i64,
    streams: BTreeMap<u32, Stream>,
    open: u32,
    last_opened: u32,
    /// Streams above are ignored.
    pub(crate) last_taken: u32,
    pub(crate) pings: u64,
    /// When a byte was last read or written.
    pub(crate) now: Time,
    pub(crate) marks: Vec<Mark>,
    pub(crate) fault: Option<String>,
}

// === impl Watch ===

impl Watch {
    /// `opens` where the sidecar is the client. `tunnel` where a CONNECT comes first.
    pub(crate) fn new(opens: bool, tunnel: bool) -> Self {
        let (into, out) = match (opens, tunnel) {
            (true, _) => (Before::Nothing, Before::Preface),
            (false, false) => (Before::Preface, Before::Nothing),
            (false, true) => (Before::Http1AndPreface, Before::Http1),
        };
        Self {
            into: Walker::new(into),
            out: Walker::new(out),
            opens,
            window: DEFAULT_WINDOW,
            initial: DEFAULT_WINDOW,
            max_frame: 16_384,
            max_streams: 100,
            unacknowledged: VecDeque::new(),
            peers: DEFAULT_WINDOW,
            streams: BTreeMap::new(),
            open: 0,
            last_opened: 0,
            last_taken: u32::MAX,
            pings: 0,
            now: Time::START,
            marks: Vec::new(),
            fault: None,
        }
    }

    /// The sidecar has read these bytes.
    pub(crate) fn read(&mut self, now: Time, bytes: &[u8]) {
        self.now = now;
        let mut frames = Vec::new();
        self.into.feed(bytes, |frame| frames.push(frame));
        frames.into_iter().for_each(|frame| self.came(&frame));
    }

    /// The sidecar has written these bytes.
    pub(crate) fn wrote(&mut self, now: Time, bytes: &[u8]) {
        self.now = now;
        let mut frames = Vec::new();
        self.out.feed(bytes, |frame| frames.push(frame));
        frames.into_iter().for_each(|frame| self.went(&frame));
    }

    /// Calls that the sidecar has taken and neither answered to the end nor reset.
    pub(crate) fn unanswered(&self) -> u64 {
        let open = |(id, stream): &(&u32, &Stream)| **id <= self.last_taken && !stream.ended_out && !stream.cut;
        self.streams.iter().filter(open).count() as u64
    }

    fn came(&mut self, frame: &Frame) {
        let ends = frame.has(frames::END_STREAM);
        match frame.kind {
            frames::HEADERS => {
                if !self.opens && frame.stream > self.last_opened {
                    self.last_opened = frame.stream;
                    self.begin(frame.stream);
                    self.marks.push(Mark::Asked(frame.stream));
                }
                self.ended(frame.stream, ends, false);
            }
            frames::DATA => {
                self.peers -= i64::from(frame.length);
                if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    stream.held += i64::from(frame.length);
                }
                self.ended(frame.stream, ends, false);
            }
            frames::RST_STREAM => {
                self.cut(frame.stream);
                self.marks.push(Mark::GivenUp(frame.stream));
            }
            frames::SETTINGS if !frame.has(frames::ACK) => self.unacknowledged.push_back(frame.settings()),
            frames::WINDOW_UPDATE => self.given(frame.stream, i64::from(frame.number(0))),
            _ => {}
        }
    }

    fn went(&mut self, frame: &Frame) {
        let ends = frame.has(frames::END_STREAM);
        match frame.kind {
            frames::HEADERS => {
                if self.opens && frame.stream > self.last_opened {
                    self.opened(frame.stream);
                }
                self.said(frame, ends);
            }
            frames::DATA => {
                self.spend(frame.stream, i64::from(frame.length));
                self.said(frame, ends);
            }
            frames::RST_STREAM => {
                self.cut(frame.stream);
                self.marks.push(Mark::Answered(frame.stream));
            }
            frames::SETTINGS if frame.has(frames::ACK) => self.adopt(),
            frames::WINDOW_UPDATE => self.gave_back(frame.stream, i64::from(frame.number(0))),
            frames::PING if !frame.has(frames::ACK) => self.pings += 1,
            frames::GOAWAY => self.goes_away(frame),
            _ => {}
        }
    }

    fn goes_away(&mut self, frame: &Frame) {
        self.last_taken = self.last_taken.min(frame.number(0));
        let code = frame.number(4);
        if code != 0 {
            let words = String::from_utf8_lossy(frame.payload.get(8..).unwrap_or_default()).into_owned();
            self.complain(format!("an honest peer was sent GOAWAY with error {code}: {words}"));
        }
    }

    fn opened(&mut self, stream: u32) {
        self.last_opened = stream;
        self.begin(stream);
        if self.open > self.max_streams {
            self.complain(format!("{} streams where the peer takes {}", self.open, self.max_streams));
        }
    }

    fn begin(&mut self, stream: u32) {
        self.open += 1;
        self.streams.insert(stream, Stream { counted: true, ..Stream::default() });
    }

    fn said(&mut self, frame: &Frame, ends: bool) {
        let id = frame.stream;
        match self.streams.get(&id) {
            Some(stream) if stream.ended_out => self.complain(format!("stream {id} was answered twice")),
            Some(_) => {}
            None => self.complain(format!("stream {id} was never opened")),
        }
        if frame.kind == frames::DATA && frame.length > self.max_frame {
            self.complain(format!("{} bytes in a frame of at most {}", frame.length, self.max_frame));
        }
        if ends {
            self.marks.push(Mark::Answered(id));
        }
        self.ended(id, ends, true);
    }

    fn ended(&mut self, id: u32, ends: bool, out: bool) {
        let Some(stream) = self.streams.get_mut(&id).filter(|_| ends) else { return };
        match out {
            true => stream.ended_out = true,
            false => stream.ended_in = true,
        }
        if stream.ended_in && stream.ended_out {
            self.uncount(id);
        }
    }

    fn cut(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.cut = true;
            self.uncount(id);
        }
    }

    fn uncount(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id)
            && std::mem::take(&mut stream.counted)
        {
            self.open -= 1;
        }
    }

    fn adopt(&mut self) {
        for (id, value) in self.unacknowledged.pop_front().unwrap_or_default() {
            match id {
                INITIAL_WINDOW => self.initial = value.into(),
                MAX_FRAME => self.max_frame = value,
                MAX_STREAMS => self.max_streams = value,
                _ => {}
            }
        }
    }

    fn given(&mut self, id: u32, by: i64) {
        match id {
            0 => self.window += by,
            _ => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.window += by;
                }
            }
        }
    }

    fn spend(&mut self, id: u32, bytes: i64) {
        let own = self.streams.get(&id).map_or(0, |stream| stream.window) + self.initial;
        // An empty frame needs no window, be it below zero.
        if bytes > 0 && (bytes > own || bytes > self.window) {
            let (connection, initial) = (self.window, self.initial);
            self.complain(format!(
                "{bytes} bytes on stream {id}, whose window is {own} (of {initial} at first) and the connection's {connection}"
            ));
        }
        self.window -= bytes;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.window -= bytes;
        }
    }

    fn gave_back(&mut self, id: u32, by: i64) {
        if id == 0 {
            self.peers += by;
            if self.peers > MOST_CONNECTION_WINDOW {
                self.complain(format!("the peer may send {} bytes, more than the connection's window", self.peers));
            }
            return;
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.held -= by;
        let lent = -stream.held;
        // Beyond what came a window may have grown, and those of all streams together by no more than the connection's.
        if lent > 0 && (lent > MOST_STREAM_WINDOW || self.lent() > MOST_CONNECTION_WINDOW) {
            self.complain(format!("stream {id} was given back {by} bytes, {lent} more than came"));
        }
    }

    fn lent(&self) -> i64 {
        let live = self.streams.values().filter(|stream| !stream.cut && !stream.ended_in);
        live.map(|stream| (-stream.held).max(0)).sum()
    }

    fn complain(&mut self, words: String) {
        self.fault.get_or_insert(words);
    }
}
