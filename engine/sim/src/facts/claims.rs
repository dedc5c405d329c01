//! Applications that speak as sidecars do: a gateway that passes its backend's trailers on, or one that lies.

use crate::chance::Dice;
use crate::scenario::{Ending, Scenario};

const REASONS: [&str; 3] = ["draining", "connect_failed", "no_endpoints"];

/// UNAVAILABLE, in trailers only or not, with a reason that only sidecars give.
pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    let replies = scenario.calls.iter_mut().flat_map(|call| &mut call.replies);
    for reply in replies {
        if !scenario.calm && dice.percent(10) {
            reply.ending = dice.pick(&[Ending::Only(14), Ending::Only(14), Ending::Status(14)]);
        }
        if matches!(reply.ending, Ending::Only(_) | Ending::Status(1..)) && dice.percent(60) {
            reply.claims = Some(dice.pick(&REASONS));
        }
    }
}
