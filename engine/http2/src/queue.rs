//! Bytes of a stream that wait for window.

/// Memory a free slot may keep.
const KEPT: usize = 64 * 1024;

/// Written at its end, taken from its front.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    bytes: Vec<u8>,
    start: usize,
}

// === impl Queue ===

impl Queue {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push(&mut self, data: &[u8]) {
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(data);
    }

    /// The next bytes, at most `most`.
    pub(crate) fn front(&self, most: usize) -> &[u8] {
        &self.bytes[self.start..self.bytes.len().min(self.start + most)]
    }

    pub(crate) fn take(&mut self, bytes: usize) {
        self.start += bytes;
        if self.is_empty() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Bytes of memory that it holds.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Empties it and gives a large buffer back.
    pub(crate) fn recycle(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.bytes.shrink_to(KEPT);
    }
}
