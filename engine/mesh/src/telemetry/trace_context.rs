//! W3C Trace Context: `traceparent` in and out, and which calls get a span (parent-based).

use crate::random::Random;

const TEXT_BYTES: usize = 55;
const SAMPLED: u8 = 1;
const HEX: &[u8; 16] = b"0123456789abcdef";
static NIBBLES: [u8; 256] = nibbles();

/// A `traceparent`: the trace, the span that is the parent of what comes next, and whether it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// 16 bytes, not all 0.
    pub trace_id: [u8; 16],
    /// 8 bytes, not all 0.
    pub span_id: [u8; 8],
    /// The sampled flag.
    pub sampled: bool,
}

/// A call's place in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTrace {
    /// The call's own context: what goes upstream as `traceparent`.
    pub context: TraceContext,
    /// The caller's span, if it sent one.
    pub parent: Option<[u8; 8]>,
}

/// Decides on calls whose caller did not: a fraction of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    ratio: f64,
}

// === impl TraceContext ===

impl TraceContext {
    /// Reads a `traceparent` (W3C Trace Context, section 3.2.2): lower-case hex, version not ff, ids not all 0. A higher
    /// version may have more behind the flags.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, tail) = value.split_at_checked(TEXT_BYTES)?;
        let [version] = unhex(&head[..2])?;
        let dashes = [head[2], head[35], head[52]] == *b"---";
        let end = if version == 0 { tail.is_empty() } else { tail.first().is_none_or(|byte| *byte == b'-') };
        if version == 0xff || !dashes || !end {
            return None;
        }
        let (trace_id, span_id) = (unhex(&head[3..35])?, unhex(&head[36..52])?);
        let [flags] = unhex(&head[53..55])?;
        let valid = trace_id != [0; 16] && span_id != [0; 8];
        valid.then_some(Self { trace_id, span_id, sampled: flags & SAMPLED != 0 })
    }

    /// Writes a `traceparent` of version 00.
    #[must_use]
    pub fn format(&self) -> [u8; TEXT_BYTES] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex(&self.trace_id, &mut text[3..35]);
        hex(&self.span_id, &mut text[36..52]);
        hex(&[u8::from(self.sampled)], &mut text[53..55]);
        text
    }

    /// A context for a child span in the same trace.
    #[must_use]
    pub fn child(&self, random: &mut impl Random) -> Self {
        Self { span_id: new_span_id(random), ..*self }
    }
}

// === impl CallTrace ===

impl CallTrace {
    /// Whether a span is kept: sampled ones, and failures always.
    #[must_use]
    pub fn keeps(&self, success: bool) -> bool {
        self.context.sampled || !success
    }
}

// === impl Sampler ===

impl Sampler {
    /// Samples `ratio` (0.0 to 1.0) of the calls without a `traceparent`.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        Self { ratio: ratio.clamp(0.0, 1.0) }
    }

    /// A call's place: in its caller's trace, with its caller's decision; else in a new trace, by the ratio.
    pub fn begin(&self, parent: Option<TraceContext>, random: &mut impl Random) -> CallTrace {
        match parent {
            Some(parent) => CallTrace { context: parent.child(random), parent: Some(parent.span_id) },
            None => CallTrace { context: self.root(random), parent: None },
        }
    }

    fn root(&self, random: &mut impl Random) -> TraceContext {
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&random.next_u64().to_be_bytes());
        trace_id[8..].copy_from_slice(&new_span_id(random));
        TraceContext { trace_id, span_id: new_span_id(random), sampled: random.unit() < self.ratio }
    }
}

/// Eight random bytes that are not all 0.
fn new_span_id(random: &mut impl Random) -> [u8; 8] {
    random.next_u64().max(1).to_be_bytes()
}

fn hex(bytes: &[u8], text: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    // One check for all digits: what is none has a bit above the nibble.
    (seen < 16).then_some(bytes)
}

/// The value of each lower-case hex digit; 255 for what is none.
const fn nibbles() -> [u8; 256] {
    let mut table = [u8::MAX; 256];
    let mut value = 0;
    while value < HEX.len() {
        table[HEX[value] as usize] = value as u8;
        value += 1;
    }
    table
}
