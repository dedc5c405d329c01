//! Servers that keep gRPC's rules about PINGs.

use crate::chance::Dice;
use crate::habits::PingRule;
use crate::scenario::Scenario;

pub(super) fn teach(dice: &mut Dice, scenario: &mut Scenario) {
    for server in &mut scenario.servers {
        server.habits.pings = Some(dice.pick(&[PingRule::Go, PingRule::Java]));
    }
}
