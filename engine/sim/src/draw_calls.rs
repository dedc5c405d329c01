//! What is called, and how it is answered.

use crate::chance::Dice;
use crate::draw::Mood;
use crate::scenario::{Body, CallPlan, ClientPlan, Ending, Kind, Pace, Reply, ServerPlan, Starts};
use std::time::Duration;

/// Messages above this are left to a few calls.
const LARGE: u32 = 200_000;

pub(crate) fn calls(
    dice: &mut Dice,
    mood: Mood,
    clients: &[ClientPlan],
    servers: &[ServerPlan],
    lasts: Duration,
) -> Vec<CallPlan> {
    let eager = |pace: Pace| pace == Pace::Eager || matches!(pace, Pace::Slow { bytes: 50_000.., .. });
    let roomy = clients.iter().all(|c| eager(c.pace) && c.window > 10_000)
        && servers.iter().all(|s| eager(s.pace) && s.window > 10_000);
    let count = dice.pick(&[3, 8, 15, 15, 30, 60]);
    // Many at once now and then, so that they share connections, windows and queues.
    let crowd = dice.percent(30);
    let last = if crowd { lasts / 8 } else { lasts * 7 / 8 };
    let first = if mood == Mood::Calm { 300 } else { dice.pick(&[0, 100, 300]) };
    let call = |id: usize| {
        let at = Duration::from_millis(dice.between(first, first + last.as_millis() as u64));
        call(dice, mood, id, at, clients.len(), roomy)
    };
    (1..=count).map(call).collect()
}

fn call(dice: &mut Dice, mood: Mood, id: usize, at: Duration, clients: usize, roomy: bool) -> CallPlan {
    let kind =
        dice.pick(&[Kind::Unary, Kind::Unary, Kind::Unary, Kind::Idempotent, Kind::Download, Kind::Upload, Kind::Chat]);
    let calm = mood == Mood::Calm;
    let replies = dice.between(1, 3);
    CallPlan {
        id,
        client: dice.index(clients),
        at,
        kind,
        timeout: (!calm && dice.percent(55)).then(|| Duration::from_millis(timeout(dice))),
        request: body(dice, kind.client_streams(), roomy),
        cancel_after: (!calm && dice.percent(8)).then(|| Duration::from_millis(dice.between(0, 1_500))),
        head_bytes: if !calm && dice.percent(2) { 17_000 } else { dice.pick(&[0, 0, 0, 100]) },
        replies: (0..replies).map(|_| reply(dice, mood, kind, roomy)).collect(),
    }
}

fn timeout(dice: &mut Dice) -> u64 {
    match dice.between(0, 9) {
        0 => dice.between(1, 20),
        1..=5 => dice.between(20, 1_500),
        _ => dice.between(1_500, 12_000),
    }
}

fn body(dice: &mut Dice, streams: bool, roomy: bool) -> Body {
    let small = [0, 1, 100, 1_000, 9_000];
    let bytes = match dice.between(0, 99) {
        0..80 => dice.pick(&small),
        80..95 if roomy => dice.pick(&[16_384, 70_000, LARGE]),
        95.. if roomy => dice.pick(&[1 << 20, 4 << 20]),
        _ => 20_000,
    };
    if !streams {
        return Body { pieces: u32::from(bytes > 0 || dice.percent(50)), bytes, gap: Duration::ZERO };
    }
    let pieces = if bytes > LARGE { 2 } else { dice.pick(&[1, 3, 10, 40]) };
    Body { pieces, bytes, gap: Duration::from_millis(dice.pick(&[0, 1, 20, 120])) }
}

fn reply(dice: &mut Dice, mood: Mood, kind: Kind, roomy: bool) -> Reply {
    let well = matches!(mood, Mood::Calm | Mood::Weather);
    let at_head = kind == Kind::Chat && dice.percent(60) || !well && dice.percent(10);
    let ending = if well { well_ending(dice) } else { any_ending(dice) };
    let body = body(dice, kind.server_streams(), roomy);
    let delay = if mood == Mood::Calm { dice.between(0, 300) } else { dice.pick(&[0, 1, 10, 100, 700, 4_000]) };
    Reply {
        starts: if at_head { Starts::AtHead } else { Starts::AtEnd },
        delay: Duration::from_millis(delay),
        // An OK of a call with one response has one, be it empty.
        body: if ending == Ending::Status(0) && body.pieces == 0 { Body { pieces: 1, ..body } } else { body },
        ending,
        pushback: (!well && dice.percent(5)).then(|| dice.pick(&[-1, 0, 30, 500])),
        then_resets: None,
        claims: None,
    }
}

/// An error of the application's own is as good an answer as any. UNAVAILABLE is not among them: it may be tried again.
fn well_ending(dice: &mut Dice) -> Ending {
    dice.pick(&[Ending::Status(0), Ending::Status(0), Ending::Status(0), Ending::Status(5), Ending::Only(3)])
}

fn any_ending(dice: &mut Dice) -> Ending {
    if dice.percent(55) {
        return well_ending(dice);
    }
    dice.pick(&[
        Ending::Status(14),
        Ending::Status(13),
        Ending::Status(8),
        Ending::Status(4),
        Ending::Only(14),
        Ending::Only(14),
        Ending::Only(13),
        Ending::Reset(2),
        Ending::Reset(8),
        Ending::Reset(0),
        Ending::Refuse,
        Ending::Refuse,
        Ending::Cut,
        Ending::NoStatus,
        Ending::Http(503),
        Ending::Http(404),
        Ending::Silence,
        Ending::Silence,
    ])
}
