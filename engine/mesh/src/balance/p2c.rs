//! The power of two choices: of two endpoints taken at random, the cheaper one (Mitzenmacher 2001).

use super::endpoint::EndpointCell;
use crate::random::Random;
use std::sync::Arc;
use std::time::Instant;

/// Chooses among `count` (at least 2) endpoints, of which `nth` gives each.
pub(super) fn choose<'a>(
    count: usize,
    nth: impl Fn(usize) -> Option<&'a Arc<EndpointCell>>,
    now: Instant,
    random: &mut impl Random,
) -> Option<&'a Arc<EndpointCell>> {
    let bound = count as u32;
    let first = random.below(bound);
    // One of the others, each equally likely.
    let second = (first + 1 + random.below(bound - 1)) % bound;
    match (nth(first as usize), nth(second as usize)) {
        (Some(a), Some(b)) => Some(if b.cost(now) < a.cost(now) { b } else { a }),
        (a, b) => a.or(b),
    }
}
