//! Which endpoint gets the call.

use crate::support::*;
use std::collections::BTreeMap;
use std::time::Instant;
use tulle_mesh::balance::{Cluster, EndpointKey, NoEndpoint};
use tulle_mesh::method::{MethodLabel, Methods};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::random::Random;
use tulle_mesh::status::Code;

/// How often each endpoint is picked in `picks`, by its place in the cluster.
fn spread(cluster: &Cluster, picks: usize, now: Instant, tried: &[EndpointKey]) -> Vec<usize> {
    let mut random = random();
    let mut counts = BTreeMap::new();
    for _ in 0..picks {
        let picked = cluster.take(tried, now, &mut random).expect("an endpoint").cell;
        *counts.entry(picked.key()).or_insert(0) += 1;
    }
    cluster.endpoints().iter().map(|cell| counts.get(&cell.key()).copied().unwrap_or(0)).collect()
}

fn with(change: impl FnOnce(&mut proto::Cluster)) -> tulle_mesh::snapshot::Snapshot {
    let mut wire = mesh();
    change(&mut wire.clusters[0]);
    snapshot(&wire)
}

#[test]
fn the_first_rtt_is_30_ms() {
    let (_snapshot, cells) = cells(1);
    assert_eq!(cells[0].ewma(Instant::now()).as_millis(), 30);
}

#[test]
fn equal_endpoints_share_alike() {
    let (snapshot, _) = cells(3);
    for count in spread(payments_cluster(&snapshot), 3000, Instant::now(), &[]) {
        // Binomial(3000, 1/3): mean 1000, standard deviation 25.8; ties go to the first of a random pair.
        assert!((920..=1080).contains(&count), "{count}");
    }
}

#[test]
fn of_two_choices_the_cheaper_is_taken() {
    let (snapshot, cells) = cells(2);
    let now = Instant::now();
    for (cell, latency) in cells.iter().zip([40, 80]) {
        cell.begin(now);
        cell.settle(cell.ticket(), now, ms(latency), &Outcome::trailers(Code::Ok, None), MethodLabel::OTHER);
    }
    assert_eq!(spread(payments_cluster(&snapshot), 100, now, &[]), [100, 0]);
}

#[test]
fn calls_in_flight_make_an_endpoint_dearer() {
    let (snapshot, cells) = cells(2);
    let now = Instant::now();
    cells[0].begin(now);
    assert_eq!(spread(payments_cluster(&snapshot), 100, now, &[]), [0, 100]);
    cells[0].settle(cells[0].ticket(), now, ms(1), &Outcome::cancelled(), MethodLabel::OTHER);
    assert_eq!(cells[0].in_flight(), 0);
}

#[test]
fn with_many_endpoints_the_slow_one_gets_only_what_meets_no_other() {
    let (snapshot, cells) = cells(10);
    let now = Instant::now();
    cells[4].begin(now);
    cells[4].settle(cells[4].ticket(), now, ms(900), &Outcome::trailers(Code::Ok, None), MethodLabel::OTHER);
    assert_eq!(spread(payments_cluster(&snapshot), 1000, now, &[])[4], 0);
}

#[test]
fn latency_jumps_up_at_once_and_comes_down_over_10_seconds() {
    let (_snapshot, cells) = cells(1);
    let start = Instant::now();
    let answer = |at, latency| {
        cells[0].begin(at);
        cells[0].settle(cells[0].ticket(), at, ms(latency), &Outcome::trailers(Code::Ok, None), MethodLabel::OTHER);
    };
    answer(start, 1000);
    assert_eq!(cells[0].ewma(start).as_millis(), 1000);
    answer(start + ms(10_000), 100);
    // 1000 / e + 100 × (1 - 1 / e)
    assert_eq!(cells[0].ewma(start + ms(10_000)).as_millis(), 431);
    assert_eq!(cells[0].ewma(start + ms(20_000)).as_millis(), 158);
}

#[test]
fn a_failure_is_charged_as_5_seconds() {
    let (snapshot, cells) = cells(2);
    let now = Instant::now();
    cells[1].begin(now);
    cells[1].settle(cells[1].ticket(), now, ms(1), &Outcome::connect_failed(), MethodLabel::OTHER);
    assert_eq!(cells[1].ewma(now).as_millis(), 5000);
    assert_eq!(spread(payments_cluster(&snapshot), 100, now, &[]), [100, 0]);
}

#[test]
fn round_robin_takes_one_after_the_other() {
    let snapshot = with(|cluster| cluster.load_balancing = proto::LoadBalancing::RoundRobin.into());
    assert_eq!(spread(payments_cluster(&snapshot), 300, Instant::now(), &[]), [100, 100, 100]);
}

#[test]
fn round_robin_goes_on_where_the_last_snapshot_stood() {
    let round_robin = |wire: &mut proto::Snapshot| {
        wire.clusters[0].load_balancing = proto::LoadBalancing::RoundRobin.into();
    };
    let mut wire = mesh();
    round_robin(&mut wire);
    let first = snapshot(&wire);
    let now = Instant::now();
    let pick =
        |snapshot| payments_cluster(snapshot).take(&[], now, &mut random()).expect("an endpoint").cell.id.to_string();
    assert_eq!(pick(&first), "shop/payments-0");
    assert_eq!(pick(&next_snapshot(&wire, &first)), "shop/payments-1");
}

#[test]
fn unhealthy_endpoints_are_left_out() {
    let snapshot = with(|cluster| cluster.endpoints[1].healthy = false);
    let cluster = payments_cluster(&snapshot);
    let counts = spread(cluster, 100, Instant::now(), &[]);
    assert_eq!((counts[1], cluster.is_in_panic()), (0, false));
}

#[test]
fn with_under_half_healthy_all_are_used() {
    let healthy = |count: usize| {
        with(|wire| {
            wire.endpoints = (0..4).map(|n| endpoint(&format!("p{n}"), 9000 + n)).collect();
            wire.endpoints.iter_mut().skip(count).for_each(|endpoint| endpoint.healthy = false);
        })
    };
    let half = healthy(2);
    assert_eq!(spread(payments_cluster(&half), 100, Instant::now(), &[])[2..], [0, 0]);
    let quarter = healthy(1);
    assert!(payments_cluster(&quarter).is_in_panic());
    assert!(spread(payments_cluster(&quarter), 100, Instant::now(), &[]).iter().all(|count| *count > 0));
}

#[test]
fn a_cluster_without_endpoints_says_so() {
    let snapshot = with(|cluster| cluster.endpoints.clear());
    let refused = payments_cluster(&snapshot).take(&[], Instant::now(), &mut random());
    let none = refused.expect_err("there is none");
    assert_eq!(none, NoEndpoint::None);
    let told = payments_cluster(&snapshot).refusal(none);
    assert_eq!(told, "shop/payments: the cluster has no endpoint; is the service registered?");
}

#[test]
fn a_cluster_without_endpoints_tells_what_the_control_plane_knows_of_it() {
    let why = "registered, but its application is not healthy: it says NOT_SERVING";
    let snapshot = with(|cluster| {
        cluster.endpoints.clear();
        cluster.why_empty = why.into();
    });
    let cluster = payments_cluster(&snapshot);
    assert_eq!(cluster.refusal(NoEndpoint::None), format!("shop/payments: {why}"));
    assert!(!cluster.refusal(NoEndpoint::AllOpen).contains(why));
}

#[test]
fn a_retry_avoids_hosts_already_tried_while_there_are_others() {
    let (snapshot, cells) = cells(3);
    let cluster = payments_cluster(&snapshot);
    let now = Instant::now();
    assert_eq!(spread(cluster, 100, now, &[cells[0].key(), cells[2].key()]), [0, 100, 0]);
    let all: Vec<_> = cells.iter().map(|cell| cell.key()).collect();
    assert!(spread(cluster, 100, now, &all).iter().all(|count| *count > 0), "with none left, any is better than none");
}

#[test]
fn weight_makes_an_endpoint_cheaper() {
    let snapshot = with(|cluster| {
        cluster.endpoints.truncate(2);
        cluster.endpoints[1].weight = 2;
    });
    assert_eq!(spread(payments_cluster(&snapshot), 100, Instant::now(), &[]), [0, 100]);
}

#[test]
fn the_median_of_a_method_at_an_endpoint_is_learned_from_its_successes() {
    let (snapshot, cells) = cells(2);
    let (now, methods) = (Instant::now(), Methods::new(&[], None));
    let method = methods.find(b"/a.A/M").label;
    assert_eq!(cells[0].p50(method), ms(0));
    let mut random = random();
    for _ in 0..2000 {
        cells[0].begin(now);
        cells[0].settle(
            cells[0].ticket(),
            now,
            ms(random.below(100).into()),
            &Outcome::trailers(Code::Ok, None),
            method,
        );
    }
    let median = cells[0].p50(method);
    assert!((ms(30)..ms(70)).contains(&median), "{median:?} of 0 to 100 ms");
    assert_eq!(payments_cluster(&snapshot).best_p50(method, &[cells[1].key()]), median);
}

#[test]
fn connections_are_counted_an_endpoint() {
    let (_snapshot, cells) = cells(1);
    cells[0].connection_opened();
    cells[0].connection_opened();
    cells[0].connection_closed();
    assert_eq!(cells[0].connections(), 1);
}
