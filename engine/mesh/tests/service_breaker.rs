//! The circuit breaker of a service.

use tulle_mesh::resilience::breaker::{Limit, ServiceBreaker, ServiceLimits, ServiceState};

const SMALL: ServiceLimits = ServiceLimits { connections: 1, pending: 2, requests: 3, retries: 0 };

#[test]
fn the_defaults_are_1024_connections_pending_and_requests_and_3_retries() {
    assert_eq!(
        ServiceLimits::default(),
        ServiceLimits { connections: 1024, pending: 1024, requests: 1024, retries: 3 }
    );
}

#[test]
fn as_many_are_held_as_the_limit_says_and_the_next_is_refused_and_counted() {
    let breaker = ServiceBreaker::new(SMALL, None);
    for _ in 0..3 {
        breaker.acquire(Limit::Requests).expect("under the limit");
    }
    let refused = breaker.acquire(Limit::Requests).expect_err("at the limit");
    assert_eq!((refused.limit, refused.value), (Limit::Requests, 3));
    assert_eq!((breaker.held(Limit::Requests), breaker.refused(Limit::Requests)), (3, 1));
    breaker.release(Limit::Requests);
    breaker.acquire(Limit::Requests).expect("one was given back");
}

#[test]
fn each_limit_is_counted_apart() {
    let breaker = ServiceBreaker::new(SMALL, None);
    breaker.acquire(Limit::Connections).expect("under the limit");
    breaker.acquire(Limit::Connections).expect_err("at the limit");
    breaker.acquire(Limit::Pending).expect("another limit");
    assert_eq!((breaker.refused(Limit::Connections), breaker.refused(Limit::Pending)), (1, 0));
}

#[test]
fn it_is_open_exactly_while_a_limit_is_reached() {
    let breaker = ServiceBreaker::new(SMALL, None);
    assert_eq!(breaker.state(), ServiceState::Closed);
    breaker.acquire(Limit::Pending).expect("under the limit");
    assert_eq!(breaker.state(), ServiceState::Closed);
    breaker.acquire(Limit::Pending).expect("under the limit");
    assert_eq!(breaker.state(), ServiceState::Open);
    breaker.release(Limit::Pending);
    assert_eq!(breaker.state(), ServiceState::Closed);
}

#[test]
fn a_release_too_many_does_not_open_it_for_ever() {
    let breaker = ServiceBreaker::new(SMALL, None);
    breaker.release(Limit::Requests);
    assert_eq!(breaker.held(Limit::Requests), 0);
    breaker.acquire(Limit::Requests).expect("under the limit");
}

#[test]
fn many_workers_never_hold_more_than_the_limit() {
    let breaker = ServiceBreaker::new(ServiceLimits { requests: 4, ..SMALL }, None);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    if breaker.acquire(Limit::Requests).is_ok() {
                        breaker.release(Limit::Requests);
                    }
                }
            });
        }
    });
    assert_eq!(breaker.held(Limit::Requests), 0);
}
