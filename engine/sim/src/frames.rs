//! Frames as they stand in a stream of bytes, read by hand: the codec under test has no part in it.

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD: usize = 9;
/// Bytes of a payload that are kept; blocks and data are not looked into.
const KEPT: usize = 64;

/// One frame. DATA is told as soon as its head is there, everything else when it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) length: u32,
    pub(crate) payload: Vec<u8>,
}

/// What comes before the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    Preface,
    /// A line and fields of HTTP/1.1, and their empty line.
    Http1,
    Http1AndPreface,
}

/// Where in a stream of bytes we are.
#[derive(Debug)]
pub(crate) struct Walker {
    http1: bool,
    preface: usize,
    head: Vec<u8>,
    frame: Option<Frame>,
    left: usize,
}

// === impl Frame ===

impl Frame {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn parse(head: &[u8]) -> Self {
        let number = |at: usize, size: usize| head[at..at + size].iter().fold(0, |n, b| n << 8 | u32::from(*b));
        Self {
            kind: head[3],
            flags: head[4],
            stream: number(5, 4) & 0x7fff_ffff,
            length: number(0, 3),
            payload: Vec::new(),
        }
    }

    /// The payload's first four bytes as a number: an increment, an error code, a last stream.
    pub(crate) fn number(&self, at: usize) -> u32 {
        self.payload.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Identifiers and values of SETTINGS.
    pub(crate) fn settings(&self) -> Vec<(u16, u32)> {
        let one = |b: &[u8; 6]| (u16::from_be_bytes([b[0], b[1]]), u32::from_be_bytes([b[2], b[3], b[4], b[5]]));
        self.payload.as_chunks::<6>().0.iter().map(one).collect()
    }
}

// === impl Walker ===

impl Walker {
    pub(crate) fn new(before: Before) -> Self {
        let http1 = matches!(before, Before::Http1 | Before::Http1AndPreface);
        let has_preface = matches!(before, Before::Preface | Before::Http1AndPreface);
        let preface = if has_preface { PREFACE.len() } else { 0 };
        Self { http1, preface, head: Vec::new(), frame: None, left: 0 }
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        bytes = self.skip(bytes);
        while !bytes.is_empty() {
            bytes = if self.frame.is_some() { self.payload(bytes) } else { self.begin(bytes, &mut each) };
            if self.left == 0
                && let Some(frame) = self.frame.take()
                && frame.kind != DATA
            {
                each(frame);
            }
        }
    }

    fn skip<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        while self.http1 && !bytes.is_empty() {
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if self.head.ends_with(b"\r\n\r\n") {
                self.head.clear();
                self.http1 = false;
            }
        }
        let skipped = self.preface.min(bytes.len());
        self.preface -= skipped;
        &bytes[skipped..]
    }

    fn begin<'b>(&mut self, bytes: &'b [u8], each: &mut impl FnMut(Frame)) -> &'b [u8] {
        let (came, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(came);
        if self.head.len() == HEAD {
            let frame = Frame::parse(&self.head);
            self.head.clear();
            self.left = frame.length as usize;
            if frame.kind == DATA {
                each(frame.clone());
            }
            self.frame = Some(frame);
        }
        rest
    }

    fn payload<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (came, rest) = bytes.split_at(self.left.min(bytes.len()));
        self.left -= came.len();
        if let Some(frame) = self.frame.as_mut().filter(|frame| frame.kind != DATA) {
            let room = KEPT - frame.payload.len().min(KEPT);
            frame.payload.extend_from_slice(&came[..came.len().min(room)]);
        }
        rest
    }
}

/// A frame's bytes.
pub(crate) fn bytes_of(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// SETTINGS with these values.
pub(crate) fn settings(list: &[(u16, u32)]) -> Vec<u8> {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    bytes_of(SETTINGS, 0, 0, &list.iter().flat_map(entry).collect::<Vec<_>>())
}
