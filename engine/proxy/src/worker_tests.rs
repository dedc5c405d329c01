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
fn a_queue_in_which_no_call_waits_any_more_is_served_to_its_end() {
    let mut worker = worker();
    let target = Target::Application(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
    let index = worker.pools.of(&target, Duration::from_secs(1));
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
