//! Header blocks of any bytes, decoded beside another crate's decoder: the same fields or both an error.
//!
//! Where the two may differ, by design of ours: a table size update must come first in its block and at most twice
//! (RFC 7541, section 4.2); the other takes them anywhere but at the end.

use std::time::Instant;

use tulle_http2::{Config, ErrorCode, HeaderLimits, Role};

use crate::hand::{END_HEADERS, END_STREAM, Frame, HEADERS, PREFACE, settings};
use crate::script::Script;
use crate::seen::{End, List, list};

const MOST_BLOCKS: u32 = 60;
const TABLE: usize = 4_096;

/// Each block is a length byte and its bytes; all go through one decoder.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let mut ours = decoder();
    let mut theirs = loona_hpack::Decoder::new();
    theirs.set_max_allowed_table_size(TABLE);
    for number in 0..MOST_BLOCKS {
        if script.is_over() {
            return;
        }
        let block = script.chunk(255);
        let wanted = theirs.decode(block);
        match (decoded(&mut ours, 2 * number + 1, block), wanted) {
            (Ok(list), Ok(wanted)) => assert_eq!(list, wanted),
            (Ok(list), Err(_)) => return assert!(is_only_updates(block), "{list:?} of what is no HPACK"),
            (Err(_), Ok(_)) => return assert!(has_odd_updates(block), "good HPACK was refused"),
            (Err(_), Err(_)) => return,
        }
    }
}

fn decoder() -> End {
    let limits = HeaderLimits { max_list_bytes: 1 << 24, max_fields: 1 << 20, ..HeaderLimits::default() };
    let mut end = End::new(Config { header_limits: limits, ..Config::new(Role::Server) });
    end.feed(Instant::now(), &[PREFACE, &settings(&[]).bytes()].concat());
    end
}

/// The fields of a block; they are there too where what they say is refused.
fn decoded(end: &mut End, stream: u32, block: &[u8]) -> Result<List, ErrorCode> {
    end.feed(Instant::now(), &Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, block).bytes());
    // Answered and gone, so that the next one is not over the limit of streams.
    end.take_output();
    if let Some(crate::seen::Seen::Headers { stream, .. }) = end.seen.pop() {
        end.codec.reset(stream, ErrorCode::CANCEL);
    }
    match end.failed {
        Some(error) => {
            assert_eq!(error.code, ErrorCode::COMPRESSION_ERROR, "{}", error.cause);
            Err(error.code)
        }
        None => Ok(list(&end.fields)),
    }
}

/// The other decoder refuses a size update as a block's last; ours takes a block of nothing else.
fn is_only_updates(block: &[u8]) -> bool {
    updates_in_front(block).1.is_empty()
}

fn has_odd_updates(block: &[u8]) -> bool {
    let (count, rest) = updates_in_front(block);
    // Where a later one stands among the fields only a decoder can tell; the byte's pattern is necessary.
    count > 2 || rest.iter().any(|byte| byte & 0xe0 == 0x20)
}

/// How many size updates begin the block, and what follows.
fn updates_in_front(mut block: &[u8]) -> (usize, &[u8]) {
    let mut count = 0;
    while let Some((&first, rest)) = block.split_first() {
        if first & 0xe0 != 0x20 {
            break;
        }
        count += 1;
        let more = if first & 0x1f == 0x1f { rest.iter().take_while(|byte| **byte & 128 != 0).count() + 1 } else { 0 };
        block = rest.get(more..).unwrap_or_default();
    }
    (count, block)
}
