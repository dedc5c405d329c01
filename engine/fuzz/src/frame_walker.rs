//! Any bytes, cut anywhere: the same events, the same answer, and at worst an error that says so.

use std::time::Instant;

use tulle_http2::{Config, ConnectionError, Role};

use crate::hand::{self, GOAWAY, PREFACE};
use crate::script::Script;
use crate::seen::{End, Seen, joined};

/// What may be answered to a byte of input: a frame header of nine calls forth at most 17 (PING) or 13 and a GOAWAY.
const MOST_PER_BYTE: usize = 3;
const MOST_BESIDES: usize = 4_096;

/// The first byte tells the role and whether a greeting goes before, the second the size of the pieces.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let choice = script.byte();
    let piece = usize::from(script.byte() % 64) + 1;
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let mut input = Vec::new();
    if choice & 2 == 0 {
        if role == Role::Server {
            input.extend_from_slice(PREFACE);
        }
        input.extend(hand::settings(&[]).bytes());
    }
    input.extend_from_slice(script.rest());
    let now = Instant::now();
    let whole = walk(role, now, &input, 0);
    assert_eq!(whole, walk(role, now, &input, piece), "cut every {piece} bytes");
    check(&input, &whole);
}

type Walked = (Vec<Seen>, Option<ConnectionError>, Vec<u8>);

fn walk(role: Role, now: Instant, input: &[u8], piece: usize) -> Walked {
    let mut end = End::new(Config::new(role));
    end.feed_in_pieces(now, input, piece);
    let output = end.take_output();
    (joined(end.seen), end.failed, output)
}

fn check(input: &[u8], (_, failed, output): &Walked) {
    let frames = hand::frames(output);
    let goaway = frames.iter().filter(|frame| frame.kind == GOAWAY).count();
    assert_eq!(goaway, usize::from(failed.is_some()), "an error is told by one GOAWAY, and nothing else is");
    if let Some(error) = failed {
        let last = frames.last().map(|frame| (frame.kind, frame.payload.get(4..8).map(<[u8]>::to_vec)));
        assert_eq!(last, Some((GOAWAY, Some(error.code.0.to_be_bytes().to_vec()))), "the GOAWAY goes last");
    }
    let most = MOST_PER_BYTE * input.len() + MOST_BESIDES;
    assert!(output.len() <= most, "{} bytes of answer to {} of input", output.len(), input.len());
}
