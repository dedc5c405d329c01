//! A peer of the worker that writes its frames by hand and keeps both windows in plain numbers (RFC 9113, section 6.9).

use std::collections::BTreeMap;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const DEFAULT_WINDOW: i64 = 65_535;
/// What the worker announces.
pub(crate) const STREAM_WINDOW: i64 = 65_536;
pub(crate) const CONNECTION_WINDOW: i64 = 1 << 20;

/// What one side lets the other send.
#[derive(Debug)]
pub(crate) struct Credit {
    pub(crate) connection: i64,
    /// Size of every stream's window at its start.
    initial: i64,
    /// By stream: given, less spent.
    streams: BTreeMap<u32, i64>,
}

/// One end of one of the worker's connections.
#[derive(Debug)]
pub(crate) struct Peer {
    /// What the peer lets the worker send.
    pub(crate) gives: Credit,
    /// What the worker lets the peer send.
    pub(crate) has: Credit,
    max_frame: usize,
    /// What is to be written to the worker.
    out: Vec<u8>,
    /// By stream: bytes sent, and bytes that came. The n-th byte of a stream is n modulo 251, so both tell the content.
    pub(crate) sent: BTreeMap<u32, usize>,
    pub(crate) came: BTreeMap<u32, usize>,
}

// === impl Credit ===

impl Credit {
    fn new(initial: i64) -> Self {
        Self { connection: DEFAULT_WINDOW, initial, streams: BTreeMap::new() }
    }

    /// What may be sent on the stream; below zero after a smaller SETTINGS_INITIAL_WINDOW_SIZE.
    pub(crate) fn stream(&self, id: u32) -> i64 {
        self.initial + self.streams.get(&id).copied().unwrap_or_default()
    }

    fn give(&mut self, id: u32, by: i64) {
        match id {
            0 => self.connection += by,
            _ => *self.streams.entry(id).or_default() += by,
        }
    }

    fn spend(&mut self, id: u32, bytes: i64) {
        self.connection -= bytes;
        *self.streams.entry(id).or_default() -= bytes;
    }

    /// Whether a byte of the stream may go.
    pub(crate) fn is_open(&self, id: u32) -> bool {
        self.connection > 0 && self.stream(id) > 0
    }
}

// === impl Peer ===

impl Peer {
    /// A peer that has said its first words.
    pub(crate) fn new(preface: &[u8]) -> Self {
        let mut peer = Self {
            gives: Credit::new(DEFAULT_WINDOW),
            has: Credit::new(STREAM_WINDOW),
            max_frame: 16_384,
            out: preface.to_vec(),
            sent: BTreeMap::new(),
            came: BTreeMap::new(),
        };
        peer.frame(SETTINGS, 0, 0, &[]);
        // The worker's own are as good as read.
        peer.frame(SETTINGS, 1, 0, &[]);
        peer
    }

    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = (payload.len() as u32).to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.out.extend([&head, payload].concat());
    }

    /// Sends at most `size` bytes of the stream, with padding, as far as the worker's windows let it.
    pub(crate) fn send(&mut self, id: u32, size: usize, padding: u8) {
        let extra = if padding > 0 { usize::from(padding) + 1 } else { 0 };
        let window = self.has.stream(id).min(self.has.connection).clamp(0, 16_384) as usize;
        let size = size.min(window.saturating_sub(extra));
        if size == 0 {
            return;
        }
        let sent = self.sent.entry(id).or_default();
        let bytes: Vec<u8> = (*sent..*sent + size).map(|at| (at % 251) as u8).collect();
        *sent += size;
        self.has.spend(id, (size + extra) as i64);
        if padding == 0 {
            return self.frame(DATA, 0, id, &bytes);
        }
        let padded = [&[padding][..], &bytes, &vec![0; padding.into()]].concat();
        self.frame(DATA, 8, id, &padded);
    }

    pub(crate) fn update(&mut self, id: u32, by: u32) {
        self.gives.give(id, by.into());
        self.frame(WINDOW_UPDATE, 0, id, &by.to_be_bytes());
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE: shifts every stream's window, also below zero.
    pub(crate) fn resize(&mut self, size: u32) {
        self.gives.initial = size.into();
        self.setting(4, size);
    }

    pub(crate) fn resize_frames(&mut self, size: u32) {
        self.max_frame = size as usize;
        self.setting(5, size);
    }

    fn setting(&mut self, id: u16, value: u32) {
        self.frame(SETTINGS, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    }

    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What the worker wrote: within every window, whole, in order. Gives the streams it opened or answered.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<u32> {
        let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
        let mut heads = Vec::new();
        while let Some((head, after)) = rest.split_at_checked(9) {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let (payload, later) = after.split_at(length);
            match head[3] {
                DATA => self.came(stream, payload),
                HEADERS => heads.push(stream),
                WINDOW_UPDATE => {
                    let by = u32::from_be_bytes(payload.try_into().expect("4 bytes"));
                    self.has.give(stream, by.into());
                }
                SETTINGS | 6 => {}
                kind => panic!("a frame of kind {kind} on stream {stream}: {payload:?}"),
            }
            rest = later;
        }
        assert!(rest.is_empty(), "the worker writes whole frames");
        heads
    }

    fn came(&mut self, stream: u32, payload: &[u8]) {
        let bytes = payload.len() as i64;
        assert!(payload.len() <= self.max_frame, "{bytes} bytes in a frame of at most {}", self.max_frame);
        // An empty frame needs no window, be it below zero.
        let fits = |window: i64| bytes == 0 || bytes <= window;
        assert!(fits(self.gives.connection), "{bytes} bytes, the connection's window is {}", self.gives.connection);
        assert!(fits(self.gives.stream(stream)), "{bytes} bytes, the window is {}", self.gives.stream(stream));
        self.gives.spend(stream, bytes);
        let came = self.came.entry(stream).or_default();
        let right = payload.iter().enumerate().all(|(at, byte)| *byte == ((*came + at) % 251) as u8);
        assert!(right, "other bytes than were sent");
        *came += payload.len();
    }
}
