//! Both windows of a connection, kept by hand from the frames alone (RFC 9113, section 6.9).

use std::collections::BTreeMap;

use crate::hand::{ACK, DATA, Frame, HEADERS, SETTINGS, WINDOW_UPDATE};

const DEFAULT_WINDOW: i64 = 65_535;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;

/// What each side has let the other send, and how much of it is used.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// What the codec may still send on the connection.
    connection: i64,
    /// The peer's SETTINGS_INITIAL_WINDOW_SIZE.
    initial: i64,
    /// The peer's SETTINGS_MAX_FRAME_SIZE.
    max_frame: usize,
    /// By stream: what the peer added, less what the codec sent.
    sent: BTreeMap<u32, i64>,
    /// What the peer may still send on the connection.
    peers: i64,
    /// By stream: what the codec gave back, less what the peer sent.
    came: BTreeMap<u32, i64>,
    /// Bytes by which the windows of all streams together may exceed what they were at first.
    lent: i64,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(lent: u32) -> Self {
        Self {
            connection: DEFAULT_WINDOW,
            initial: DEFAULT_WINDOW,
            max_frame: 16_384,
            sent: BTreeMap::new(),
            peers: DEFAULT_WINDOW,
            came: BTreeMap::new(),
            lent: lent.into(),
        }
    }

    /// The peer writes a frame; true where it has the window for it.
    pub(crate) fn peer_writes(&mut self, frame: &Frame) -> bool {
        match frame.kind {
            DATA => {
                self.peers -= frame.payload.len() as i64;
                *self.came.entry(frame.stream).or_default() -= frame.payload.len() as i64;
            }
            SETTINGS if !frame.has(ACK) => self.adopt(&frame.payload),
            WINDOW_UPDATE => self.update(frame.stream, frame.number()),
            _ => {}
        }
        self.peers >= 0
    }

    fn adopt(&mut self, payload: &[u8]) {
        for entry in payload.as_chunks::<6>().0 {
            let value = u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]);
            match u16::from_be_bytes([entry[0], entry[1]]) {
                INITIAL_WINDOW_SIZE => self.initial = value.into(),
                MAX_FRAME_SIZE => self.max_frame = value as usize,
                _ => {}
            }
        }
    }

    fn update(&mut self, stream: u32, by: Option<u32>) {
        let by = i64::from(by.unwrap_or_default() & 0x7fff_ffff);
        match stream {
            0 => self.connection += by,
            _ => *self.sent.entry(stream).or_default() += by,
        }
    }

    /// The codec has written a frame: within the peer's windows and frame size, and giving back no more than came, and what
    /// windows may grow by.
    pub(crate) fn codec_wrote(&mut self, frame: &Frame) {
        assert!(frame.payload.len() <= self.max_frame || frame.kind != HEADERS && frame.kind != DATA);
        match frame.kind {
            DATA => self.spend(frame.stream, frame.payload.len() as i64),
            WINDOW_UPDATE => self.give_back(frame.stream, frame.number().expect("4 bytes").into()),
            _ => {}
        }
    }

    fn spend(&mut self, stream: u32, bytes: i64) {
        // An empty frame needs no window, be it below zero.
        assert!(
            bytes == 0 || bytes <= self.connection,
            "{bytes} bytes, the connection's window is {}",
            self.connection
        );
        assert!(bytes == 0 || bytes <= self.window(stream), "{bytes} bytes, the window is {}", self.window(stream));
        self.connection -= bytes;
        *self.sent.entry(stream).or_default() -= bytes;
    }

    fn give_back(&mut self, stream: u32, by: i64) {
        assert!(by > 0, "an update by nothing");
        if stream == 0 {
            self.peers += by;
            return;
        }
        let came = self.came.entry(stream).or_default();
        *came += by;
        assert!(*came <= self.lent, "stream {stream} was given {came} bytes that never came");
    }

    /// What the codec may send on a stream; below zero after a smaller SETTINGS_INITIAL_WINDOW_SIZE.
    pub(crate) fn window(&self, stream: u32) -> i64 {
        self.initial + self.sent.get(&stream).copied().unwrap_or_default()
    }

    /// What the codec may send on the connection.
    pub(crate) fn connection(&self) -> i64 {
        self.connection
    }

    /// What the peer may send on the connection.
    pub(crate) fn peers(&self) -> i64 {
        self.peers
    }

    /// Bytes of a stream that the peer has not got back.
    pub(crate) fn owed(&self, stream: u32) -> i64 {
        -self.came.get(&stream).copied().unwrap_or_default()
    }
}
