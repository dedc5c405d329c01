//! What a worker says of its own faults.

use super::*;
use tulle_mesh::proto::EngineConfig;

#[test]
fn a_look_up_that_cannot_miss_is_counted_when_it_does() {
    let config = EngineConfig {
        service: "shop/front".into(),
        instance: "front-1".into(),
        outbound_listen: "127.0.0.1:0".into(),
        workers: 1,
        ..EngineConfig::default()
    };
    let settings = Settings::try_from(config).expect("a good configuration");
    let mut worker = Worker::new(Arc::new(settings), Instant::now(), 0, 1);
    worker.start_attempt(7);
    worker.settle();
    assert_eq!(worker.telemetry.counters.get(CounterName::Impossible, "pick"), 1, "no call has that number");
    assert!(worker.is_settled());
}
