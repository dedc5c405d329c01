//! What the scenarios of facts begin with: a mesh in which nothing is odd but what the fact adds.

use crate::chance::Dice;
use crate::named;
use crate::policy::Push;
use crate::scenario::{Body, CallPlan, Ending, Kind, Reply, Scenario, Starts};
use std::time::Duration;

/// One client, one to three servers that share the calls, with sidecars or, but for the first, without.
pub(super) fn mesh(dice: &mut Dice, seed: u64, calls: Vec<CallPlan>) -> Scenario {
    let mut scenario = Scenario { seed, ..named::calm(calls, Duration::from_secs(5)) };
    for _ in 0..dice.pick(&[0, 0, 1, 2]) {
        let mut server = scenario.servers[0].clone();
        server.has_sidecar = dice.percent(70);
        scenario.servers.push(server);
    }
    let mut policy = named::default_policy();
    policy.split = vec![((0..scenario.servers.len()).collect(), 1)];
    policy.declared = dice.percent(60);
    policy.round_robin = dice.percent(50);
    scenario.pushes = vec![Push { at: Duration::ZERO, policy }];
    scenario
}

/// A small unary call at 500 ms, when everybody is there.
pub(super) fn call(id: usize, replies: Vec<Reply>) -> CallPlan {
    CallPlan {
        id,
        client: 0,
        at: Duration::from_millis(500),
        kind: Kind::Unary,
        timeout: None,
        request: Body { pieces: 1, bytes: 50, gap: Duration::ZERO },
        cancel_after: None,
        head_bytes: 0,
        replies,
    }
}

/// A hundred bytes at once.
pub(super) fn reply(ending: Ending) -> Reply {
    Reply {
        starts: Starts::AtEnd,
        delay: Duration::ZERO,
        body: Body { pieces: 1, bytes: 100, gap: Duration::ZERO },
        ending,
        pushback: None,
        then_resets: None,
        claims: None,
    }
}
