//! A server's connection between a peer of any manners and a caller of all its verbs; whole frames and pieces of them come to the same.

use std::time::Instant;

use tulle_http2::Role;

/// The first byte tells the size of the pieces.
pub fn run(data: &[u8]) {
    let (piece, script) = data.split_first().map_or((1, data), |(first, rest)| (usize::from(first % 40) + 1, rest));
    let now = Instant::now();
    let whole = crate::played::play(Role::Server, script, now, 0);
    assert_eq!(whole, crate::played::play(Role::Server, script, now, piece), "in pieces of {piece}");
}
