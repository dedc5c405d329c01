//! What a worker says of its own faults.

use super::connection::{Side, Stage};
use super::*;
use crate::pool::Target;
use tulle_http2::{Config, Role};
use tulle_mesh::proto::EngineConfig;
use tulle_mesh::resilience::breaker::{ServiceBreaker, ServiceLimits};

fn worker() -> Worker {
    let config = EngineConfig {
        service: "shop/front".into(),
        instance: "front-1".into(),
        outbound_listen: "127.0.0.1:0".into(),
        workers: 1,
        ..EngineConfig::default()
    };
    let settings = Settings::try_from(config).expect("a good configuration");
    Worker::new(Arc::new(settings), Instant::now(), 0, 1)
}

#[test]
fn a_look_up_that_cannot_miss_is_counted_when_it_does() {
    let mut worker = worker();
    worker.start_attempt(7);
    worker.settle();
    assert_eq!(worker.telemetry.counters.get(CounterName::Impossible, "pick"), 1, "no call has that number");
    assert!(worker.is_settled());
}

#[test]
fn a_drain_has_one_timer_however_many_connections_come_meanwhile() {
    let mut worker = worker();
    worker.drain(Scope::All);
    for _ in 0..1_000 {
        worker.accept(Listener::Outbound);
        let key = worker.accept(Listener::Inbound);
        worker.established(key, None);
        worker.closed(key);
        worker.turn(worker.now + Duration::from_millis(10));
        worker.settle();
    }
    let mut phases = 0;
    while let Some(timer) = worker.timers.pop(worker.now + Duration::from_secs(100_000)) {
        phases += usize::from(timer == Timer::DrainPhase);
    }
    assert!(phases <= 1, "{phases} timers for the phases of one drain");
}

#[test]
fn a_queue_in_which_no_call_waits_any_more_is_served_to_its_end() {
    let mut worker = worker();
    let target = Target::Application(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
    let index = worker.pools.of(&target, Duration::from_secs(1), worker.now);
    let breaker = Arc::new(ServiceBreaker::new(ServiceLimits::default(), None));
    let side = Side::Upstream { pool: index, cell: None, breaker };
    let now = worker.now;
    let connection = worker.connections.insert(Config::new(Role::Client), side, Stage::Open, now);
    let pool = worker.pools.get_mut(index).expect("the pool");
    pool.connections.push(connection.0);
    pool.pending.extend([7, 8]);
    worker.serve_queue(index);
    assert!(worker.pools.get(index).is_some_and(|pool| pool.pending.is_empty()));
    assert_eq!(worker.telemetry.counters.get(CounterName::Impossible, "serve_queue"), 2);
}
