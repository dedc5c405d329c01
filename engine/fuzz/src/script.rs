//! Bytes as choices: what the fuzzer mutates.

/// The rest of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script<'d>(&'d [u8]);

// === impl Script ===

impl<'d> Script<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte; 0 once the script is over.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// True once in `n` bytes' values.
    pub(crate) fn one_in(&mut self, n: u8) -> bool {
        self.byte() % n == 1
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::from(self.byte()) % among.len()]
    }

    /// At most `most` bytes, as many as the next byte tells.
    pub(crate) fn chunk(&mut self, most: usize) -> &'d [u8] {
        let length = usize::from(self.byte()).min(most).min(self.0.len());
        let (chunk, rest) = self.0.split_at(length);
        self.0 = rest;
        chunk
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'d [u8] {
        self.0
    }
}
