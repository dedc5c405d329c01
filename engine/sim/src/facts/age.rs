//! Servers with a maximum connection age.

use crate::chance::Dice;
use crate::scenario::Scenario;
use std::time::Duration;

pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    for server in &mut scenario.servers {
        let age = Duration::from_millis(dice.between(200, 3_000));
        server.habits.age = dice.percent(60).then_some(age);
    }
}
