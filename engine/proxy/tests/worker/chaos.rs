//! Anything in any order: every call ends once, with its own bytes, and nothing is left held.

use crate::policy::{Policy, millis, retry};
use crate::world::{World, address};
use std::time::Duration;
use tulle_http2::{ErrorCode, StreamId};
use tulle_mesh::random::{Random, SplitMix64};
use tulle_mesh::resilience::breaker::Limit;
use tulle_proxy::worker::ConnectionKey;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

struct Made {
    caller: ConnectionKey,
    stream: StreamId,
    body: Vec<u8>,
    cancelled: bool,
}

struct Run {
    world: World,
    random: SplitMix64,
    callers: Vec<ConnectionKey>,
    made: Vec<Made>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let policy = Policy::to(&[address(1), address(2), address(3)]).route(|route| {
            route.retry = Some(retry(3));
            route.idempotent = seed.is_multiple_of(2);
            route.per_try_timeout = seed.is_multiple_of(3).then(|| millis(400));
        });
        let mut world = World::new(&policy);
        world.server_streams = 5;
        let callers = (0..3).map(|_| world.caller()).collect();
        Self { world, random: SplitMix64::new(seed), callers, made: Vec::new() }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..45 => self.call(),
            45..75 => self.answer(),
            75..80 => self.cancel(),
            80..83 => self.kill(),
            83..86 => self.go_away(),
            86..88 => self.change_reach(),
            _ => self.wait(),
        }
    }

    fn call(&mut self) {
        let caller = self.callers[self.random.below(3) as usize];
        if self.world.peers[&caller].codec.capacity() == 0 {
            return;
        }
        let body = format!("call {:06}", self.made.len()).into_bytes();
        let timeout = [("grpc-timeout", "2S")];
        let more: &[(&str, &str)] = if self.random.below(2) == 0 { &timeout } else { &[] };
        let stream = self.world.call(caller, "Unary", more, &body);
        self.made.push(Made { caller, stream, body, cancelled: false });
    }

    fn answer(&mut self) {
        let servers = self.world.servers();
        if servers.is_empty() {
            return;
        }
        let key = servers[self.random.below(servers.len() as u32) as usize];
        let kind = self.random.below(10);
        let server = self.world.server(key);
        let open: Vec<usize> = (0..server.exchanges.len())
            .filter(|nth| server.exchanges.values().nth(*nth).is_some_and(|e| e.ended && e.reset.is_none()))
            .collect();
        let Some(nth) = open.first().copied() else { return };
        let body = server.exchanges.values().nth(nth).expect("a request").first.clone();
        match kind {
            0 => server.refuse(nth, &[("grpc-status", "14")]),
            1 => server.reply(nth, b"", &[("grpc-status", "14")]),
            2 => server.codec.reset(server.request(nth), ErrorCode::REFUSED_STREAM),
            3 => server.codec.reset(server.request(nth), ErrorCode::INTERNAL_ERROR),
            _ => server.reply(nth, &body, OK),
        }
        let stream = server.request(nth).get();
        server.exchanges.remove(&stream);
        self.world.run();
    }

    fn cancel(&mut self) {
        let Some(made) = self.made.last_mut() else { return };
        if !self.world.seen(made.caller, made.stream).ended {
            made.cancelled = true;
            self.world.server(made.caller).codec.reset(made.stream, ErrorCode::CANCEL);
            self.world.run();
        }
    }

    fn kill(&mut self) {
        if let Some(key) = self.world.servers().first().copied() {
            self.world.kill(key);
        }
    }

    fn go_away(&mut self) {
        if let Some(key) = self.world.servers().last().copied() {
            self.world.server(key).codec.shutdown();
            self.world.run();
        }
    }

    fn change_reach(&mut self) {
        let address = address(1 + self.random.below(3) as u16);
        if !self.world.dead.remove(&address) {
            self.world.dead.insert(address);
        }
    }

    fn wait(&mut self) {
        let by = Duration::from_millis(self.random.below(300).into());
        self.world.advance(by);
    }

    fn finish(&mut self) {
        self.world.dead.clear();
        for _ in 0..4000 {
            if self.world.worker.calls_in_flight() == 0 {
                return;
            }
            self.answer();
            self.world.advance(Duration::from_millis(20));
        }
    }

    fn check(&mut self, seed: u64) {
        assert_eq!(self.world.worker.calls_in_flight(), 0, "seed {seed}");
        for made in &self.made {
            let seen = self.world.seen(made.caller, made.stream);
            if made.cancelled {
                continue;
            }
            assert!(seen.ended && seen.reset.is_none(), "seed {seed}: lost: {seen:?}");
            if seen.status() == "0" {
                assert_eq!(seen.first, made.body, "seed {seed}: crossed");
            }
        }
        let snapshot = self.world.snapshot.clone().expect("a snapshot");
        let breaker = &snapshot.services()[0].breaker;
        let held = [Limit::Requests, Limit::Pending, Limit::Retries].map(|limit| breaker.held(limit));
        assert_eq!(held, [0, 0, 0], "seed {seed}");
        let connections = self.world.worker.connection_count() - self.callers.len();
        assert_eq!(breaker.held(Limit::Connections) as usize, connections, "seed {seed}");
        for cluster in snapshot.clusters() {
            let in_flight: u32 = cluster.endpoints().iter().map(|cell| cell.in_flight()).sum();
            let open: u32 = cluster.endpoints().iter().map(|cell| cell.connections()).sum();
            assert_eq!((in_flight, open as usize), (0, self.world.servers().len()), "seed {seed}");
        }
    }
}

#[test]
fn no_call_is_lost_or_crossed_and_nothing_leaks() {
    for seed in 0..60 {
        let mut run = Run::new(seed);
        for _ in 0..400 {
            run.step();
        }
        run.finish();
        run.check(seed);
    }
}
