//! Peers that ping for bandwidth estimates while data comes.

use crate::chance::Dice;
use crate::scenario::Scenario;

pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    for client in &mut scenario.clients {
        client.estimates = dice.percent(70);
    }
    for server in &mut scenario.servers {
        server.habits.estimates = dice.percent(70);
    }
}
