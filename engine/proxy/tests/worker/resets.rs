//! Callers that cancel much: their resets are passed on at once, and hurt nobody else.

use crate::policy::Policy;
use crate::world::{Exchange, World, address, fields};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId, Token};
use tulle_mesh::telemetry::CounterName;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
/// A call each, at 400 a second.
const PACE: Duration = Duration::from_micros(2_500);
/// Callers reset so many young streams before they have connections of their own.
const SHARED: usize = 50;

/// A call that its caller may give up.
struct Begun {
    stream: StreamId,
    number: String,
}

/// Where a caller comes in.
#[derive(Clone, Copy)]
enum Door {
    Outbound,
    Inbound,
}

/// Whether the request ends with its head's first message.
#[derive(Clone, Copy)]
enum Kind {
    Unary,
    Streaming,
}

impl Door {
    fn world(self) -> World {
        let mut world = match self {
            Self::Outbound => World::new(&Policy::to(&[address(1)])),
            Self::Inbound => World::callee(),
        };
        world.server_streams = 1_000;
        world
    }

    fn caller(self, world: &mut World) -> ConnectionKey {
        match self {
            Self::Outbound => world.caller(),
            Self::Inbound => world.sidecar(),
        }
    }
}

fn begin(world: &mut World, caller: ConnectionKey, kind: Kind, number: String) -> Begun {
    let stream = write_call(world, caller, kind, &number);
    world.run();
    Begun { stream, number }
}

fn write_call(world: &mut World, caller: ConnectionKey, kind: Kind, number: &str) -> StreamId {
    let mut list =
        vec![(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Any"), (":authority", "echo.shop")];
    list.extend([("te", "trailers"), ("content-type", "application/grpc"), ("x-number", number)]);
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(Token(7), &fields(&list), false).expect("a stream");
    codec.send_data(stream, b"x", matches!(kind, Kind::Unary));
    stream
}

fn give_up(world: &mut World, caller: ConnectionKey, stream: StreamId) {
    world.server(caller).codec.reset(stream, ErrorCode::CANCEL);
    world.run();
}

/// Heads and resets that come in one read.
fn rapid(world: &mut World, caller: ConnectionKey, calls: usize) {
    for number in 0..calls {
        let stream = write_call(world, caller, Kind::Unary, &format!("rapid-{number}"));
        world.server(caller).codec.reset(stream, ErrorCode::CANCEL);
    }
    world.run();
}

/// Calls that are given up one by one, before anything else happens.
fn cancel(world: &mut World, caller: ConnectionKey, calls: usize) {
    for number in 0..calls {
        let call = begin(world, caller, Kind::Unary, format!("cancelled-{number}"));
        give_up(world, caller, call.stream);
    }
}

/// Which server has the call, and as what it knows it.
fn place_of<'w>(world: &'w World, number: &str) -> Option<(ConnectionKey, &'w Exchange)> {
    world.servers().into_iter().find_map(|key| {
        // The last ones are asked for most.
        let mut requests = world.peers[&key].exchanges.values().rev();
        requests.find(|exchange| exchange.text("x-number") == number).map(|exchange| (key, exchange))
    })
}

fn server_of(world: &World, number: &str) -> ConnectionKey {
    place_of(world, number).expect("it reached a server").0
}

/// What its server knows of its end.
fn reset_at_server(world: &World, number: &str) -> Option<ErrorCode> {
    place_of(world, number)?.1.reset
}

fn answer(world: &mut World, number: &str) {
    let (key, exchange) = place_of(world, number).expect("it reached a server");
    let stream = exchange.stream.expect("a request");
    world.server(key).reply_to(stream, b"y", OK);
    world.run();
}

fn is_answered(world: &mut World, caller: ConnectionKey, number: &str) -> bool {
    let call = begin(world, caller, Kind::Unary, number.into());
    answer(world, number);
    world.seen(caller, call.stream).status() == "0"
}

/// 400 cancels a second, 1 to 50 ms after their calls' start, beside a held stream and 100 other calls a second.
fn cancel_much(world: &mut World, caller: ConnectionKey, kind: Kind, calls: usize) {
    let held = begin(world, caller, Kind::Streaming, "held".into());
    let mut waiting = std::collections::BTreeMap::new();
    for nth in 0..calls {
        let call = begin(world, caller, kind, format!("hasty-{nth}"));
        waiting.insert((nth + 1 + nth * 7 % 20, nth), call);
        world.advance(PACE);
        while waiting.first_key_value().is_some_and(|((due, _), _)| *due <= nth) {
            let (_, call) = waiting.pop_first().expect("one is due");
            give_up(world, caller, call.stream);
            let told = reset_at_server(world, &call.number);
            assert_eq!(told, Some(ErrorCode::CANCEL), "{} is told in the same turn", call.number);
            assert_eq!(world.seen(caller, call.stream).reset, None, "{}", call.number);
        }
        if nth % 4 == 0 {
            assert!(is_answered(world, caller, &format!("neighbour-{nth}")), "neighbour {nth}");
        }
    }
    answer(world, "held");
    assert_eq!(world.seen(caller, held.stream).status(), "0");
}

fn assert_not_ended(world: &World, caller: ConnectionKey) {
    assert!(!world.peers[&caller].going_away, "no GOAWAY came");
    assert!(!world.closed.contains(&caller));
}

#[test]
fn every_cancel_is_passed_on_in_its_turn_however_many_there_are() {
    for door in [Door::Outbound, Door::Inbound] {
        for kind in [Kind::Unary, Kind::Streaming] {
            let mut world = door.world();
            let caller = door.caller(&mut world);
            cancel_much(&mut world, caller, kind, 4_000);
            assert_not_ended(&world, caller);
            assert_eq!(world.counter(CounterName::LimitsExceeded, "max_concurrent_streams"), 0);
            assert_eq!(world.counter(CounterName::ConnectionsClosed, "protocol"), 0);
        }
    }
}

#[test]
fn our_own_application_is_never_ended_nor_refused_for_its_resets() {
    let mut world = Door::Outbound.world();
    let (hasty, quiet) = (world.caller(), world.caller());
    let held = begin(&mut world, quiet, Kind::Streaming, "quiet".into());
    for _ in 0..10 {
        rapid(&mut world, hasty, 1_000);
    }
    assert_not_ended(&world, hasty);
    assert!(is_answered(&mut world, hasty, "after"));
    answer(&mut world, "quiet");
    assert_eq!(world.seen(quiet, held.stream).status(), "0");
    assert_eq!(world.counter(CounterName::LimitsExceeded, "resets"), 0);
}

#[test]
fn another_sidecar_that_resets_thousands_unseen_ends_its_own_connection_alone() {
    let mut world = Door::Inbound.world();
    let (attacker, quiet) = (world.sidecar(), world.sidecar());
    let held = begin(&mut world, quiet, Kind::Streaming, "quiet".into());
    rapid(&mut world, attacker, 2_000);
    assert_not_ended(&world, attacker);
    rapid(&mut world, attacker, 1);
    assert!(world.peers.get(&attacker).is_none_or(|peer| peer.going_away), "2,001 in ten seconds");
    assert_eq!(world.counter(CounterName::LimitsExceeded, "resets"), 1);
    assert!(is_answered(&mut world, quiet, "after"));
    answer(&mut world, "quiet");
    assert_eq!(world.seen(quiet, held.stream).status(), "0");
}

#[test]
fn a_few_cancels_share_the_connection_of_all() {
    let mut world = Door::Inbound.world();
    let (caller, other) = (world.sidecar(), world.sidecar());
    assert!(is_answered(&mut world, other, "other"));
    cancel(&mut world, caller, SHARED);
    assert!(is_answered(&mut world, caller, "after"));
    assert_eq!(server_of(&world, "after"), server_of(&world, "other"));
    assert_eq!(world.counter(CounterName::LimitsExceeded, "resets_passed_on"), 0);
}

#[test]
fn a_caller_that_resets_much_gets_a_connection_of_its_own() {
    for door in [Door::Outbound, Door::Inbound] {
        let mut world = door.world();
        let (caller, other) = (door.caller(&mut world), door.caller(&mut world));
        let held = begin(&mut world, caller, Kind::Streaming, "held".into());
        cancel(&mut world, caller, SHARED + 1);
        for number in ["mine", "mine too"] {
            assert!(is_answered(&mut world, caller, number));
            assert_ne!(server_of(&world, number), server_of(&world, "held"));
        }
        assert!(is_answered(&mut world, other, "other"));
        assert_eq!(server_of(&world, "other"), server_of(&world, "held"), "the quiet stay");
        answer(&mut world, "held");
        assert_eq!(world.seen(caller, held.stream).status(), "0", "what was there lives on");
        assert_eq!(world.counter(CounterName::LimitsExceeded, "resets_passed_on"), 1);
    }
}

#[test]
fn calls_that_are_given_up_late_do_not_make_a_caller_noisy() {
    let mut world = Door::Inbound.world();
    let caller = world.sidecar();
    for round in 0..4 {
        let begun: Vec<_> =
            (0..40).map(|nth| begin(&mut world, caller, Kind::Unary, format!("late-{round}-{nth}"))).collect();
        world.advance(Duration::from_secs(1));
        for call in begun {
            give_up(&mut world, caller, call.stream);
        }
    }
    assert_eq!(world.servers().len(), 1);
    assert!(is_answered(&mut world, caller, "after"));
    assert_eq!(server_of(&world, "after"), server_of(&world, "late-0-0"));
}

/// Ends each connection on which it has had 200 resets, as nghttp2 and Netty do.
fn count_resets(world: &mut World) -> usize {
    let noisy = |key: &ConnectionKey| {
        world.peers[key].exchanges.values().filter(|exchange| exchange.reset.is_some()).count() >= 200
    };
    let ended: Vec<_> = world.servers().into_iter().filter(noisy).collect();
    for key in &ended {
        world.kill(*key);
    }
    ended.len()
}

#[test]
fn what_an_application_does_about_resets_reaches_their_caller_alone() {
    for door in [Door::Outbound, Door::Inbound] {
        let mut world = door.world();
        let (hasty, quiet) = (door.caller(&mut world), door.caller(&mut world));
        let held = begin(&mut world, quiet, Kind::Streaming, "quiet".into());
        let own = begin(&mut world, hasty, Kind::Streaming, "own".into());
        let mut ended = 0;
        for nth in 0..1_200 {
            let call = begin(&mut world, hasty, Kind::Unary, format!("hasty-{nth}"));
            world.advance(PACE);
            give_up(&mut world, hasty, call.stream);
            ended += count_resets(&mut world);
            if nth % 10 == 0 {
                assert!(is_answered(&mut world, quiet, &format!("quiet-{nth}")));
            }
        }
        assert!(ended >= 5, "it defended itself {ended} times");
        for (caller, call) in [(quiet, held), (hasty, own)] {
            answer(&mut world, &call.number);
            assert_eq!(world.seen(caller, call.stream).status(), "0", "{} was there before", call.number);
        }
    }
}

#[test]
fn callers_that_come_anew_for_each_burst_do_not_cost_the_others_their_connection() {
    for door in [Door::Outbound, Door::Inbound] {
        let mut world = door.world();
        let quiet = door.caller(&mut world);
        world.advance(Duration::from_secs(11));
        let held = begin(&mut world, quiet, Kind::Streaming, "quiet".into());
        for _ in 0..40 {
            let attacker = door.caller(&mut world);
            cancel(&mut world, attacker, 40);
            // And some that go with their connection.
            for nth in 0..20 {
                begin(&mut world, attacker, Kind::Unary, format!("cut-{nth}"));
            }
            world.peers.remove(&attacker);
            world.worker.closed(attacker);
            world.run();
            count_resets(&mut world);
            world.advance(Duration::from_millis(100));
        }
        assert!(is_answered(&mut world, quiet, "after"));
        answer(&mut world, "quiet");
        assert_eq!(world.seen(quiet, held.stream).status(), "0");
        assert!(world.servers().len() <= 2, "connections go with those they were for");
    }
}

#[test]
fn a_caller_that_is_calm_for_ten_seconds_goes_back_to_the_others() {
    let mut world = Door::Inbound.world();
    let (caller, other) = (world.sidecar(), world.sidecar());
    assert!(is_answered(&mut world, other, "other"));
    cancel(&mut world, caller, SHARED + 1);
    let last = begin(&mut world, caller, Kind::Streaming, "last".into());
    let its_own = server_of(&world, "last");
    world.advance(Duration::from_millis(9_900));
    assert!(is_answered(&mut world, caller, "soon"));
    assert_eq!(server_of(&world, "soon"), its_own);
    world.advance(Duration::from_millis(200));
    assert!(is_answered(&mut world, caller, "later"));
    assert_eq!(server_of(&world, "later"), server_of(&world, "other"));
    assert!(!world.closed.contains(&its_own), "a call is on it");
    answer(&mut world, "last");
    assert_eq!(world.seen(caller, last.stream).status(), "0");
    assert!(world.closed.contains(&its_own), "it goes with its last call");
}

#[test]
fn a_connection_of_ones_own_goes_with_its_last_call_whatever_is_applied_meanwhile() {
    let mut world = Door::Outbound.world();
    let (caller, other) = (world.caller(), world.caller());
    assert!(is_answered(&mut world, other, "other"));
    cancel(&mut world, caller, SHARED + 1);
    begin(&mut world, caller, Kind::Streaming, "last".into());
    let its_own = server_of(&world, "last");
    world.advance(Duration::from_millis(10_100));
    world.apply(&Policy::to(&[address(1)]));
    assert!(!world.closed.contains(&its_own), "a call is on it");
    answer(&mut world, "last");
    assert!(world.closed.contains(&its_own));
}

#[test]
fn a_connection_of_ones_own_goes_with_its_caller() {
    let mut world = Door::Inbound.world();
    let (caller, other) = (world.sidecar(), world.sidecar());
    assert!(is_answered(&mut world, other, "other"));
    cancel(&mut world, caller, SHARED + 1);
    assert!(is_answered(&mut world, caller, "mine"));
    assert_eq!(world.servers().len(), 2);
    world.peers.remove(&caller);
    world.worker.closed(caller);
    world.run();
    assert_eq!(world.servers(), [server_of(&world, "other")]);
}

#[test]
fn a_connection_that_is_made_for_a_caller_that_went_is_closed() {
    let mut world = Door::Inbound.world();
    let caller = world.sidecar();
    cancel(&mut world, caller, SHARED + 1);
    world.unanswered.insert(address(1));
    begin(&mut world, caller, Kind::Unary, "mine".into());
    assert_eq!(world.connecting.len(), 1);
    world.peers.remove(&caller);
    world.worker.closed(caller);
    world.run();
    world.answer();
    world.run();
    assert_eq!(world.servers().len(), 1, "the shared one");
    assert_eq!(world.worker.calls_in_flight(), 0);
}

#[test]
fn a_caller_shares_where_the_service_has_as_many_connections_as_may_be() {
    let mut policy = Policy::to(&[address(1)]);
    policy = policy.service(|service| service.circuit_breaker.as_mut().expect("a breaker").max_connections = 1);
    let mut world = World::new(&policy);
    let caller = world.caller();
    cancel(&mut world, caller, 3 * SHARED);
    assert!(is_answered(&mut world, caller, "after"));
    assert_eq!(world.servers().len(), 1);
}

#[test]
fn a_caller_shares_while_no_connection_of_its_own_can_be_made() {
    let mut world = Door::Inbound.world();
    let caller = world.sidecar();
    cancel(&mut world, caller, SHARED + 1);
    world.dead.insert(address(1));
    begin(&mut world, caller, Kind::Unary, "first".into());
    assert!(is_answered(&mut world, caller, "second"), "the first one has found out");
}
