//! Servers that answer without the whole request, and reset the stream behind a complete answer.

use crate::chance::Dice;
use crate::scenario::{Ending, Kind, Scenario, Starts};

const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;

pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    for call in &mut scenario.calls {
        let streams = matches!(call.kind, Kind::Upload | Kind::Chat);
        for reply in call.replies.iter_mut().filter(|reply| matches!(reply.ending, Ending::Status(_))) {
            if dice.percent(if streams { 50 } else { 10 }) {
                reply.starts = Starts::AtHead;
                reply.then_resets = Some(dice.pick(&[NO_ERROR, NO_ERROR, CANCEL]));
            }
        }
    }
}
