//! The breaker of an endpoint: closed, open, half-open.

use crate::support::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_mesh::balance::{EndpointCell, NoEndpoint};
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Verdict;
use tulle_mesh::proto;
use tulle_mesh::random::SplitMix64;
use tulle_mesh::resilience::accrual::EndpointState;
use tulle_mesh::snapshot::Snapshot;

/// A cluster whose clock the test holds.
struct Scene {
    snapshot: Snapshot,
    now: Instant,
    random: SplitMix64,
}

impl Scene {
    fn of(endpoints: usize) -> Self {
        Self { snapshot: cells(endpoints).0, now: Instant::now(), random: random() }
    }

    fn cell(&self, at: usize) -> Arc<EndpointCell> {
        payments_cluster(&self.snapshot).endpoints()[at].clone()
    }

    fn pick(&mut self) -> Result<Arc<EndpointCell>, NoEndpoint> {
        payments_cluster(&self.snapshot).pick(&[], self.now, &mut self.random)
    }

    fn end(&self, cell: &EndpointCell, verdict: Verdict) {
        cell.begin(self.now);
        cell.finish(self.now, ms(1), verdict, MethodLabel::OTHER);
    }

    fn fail(&self, cell: &EndpointCell, times: usize) {
        (0..times).for_each(|_| self.end(cell, Verdict::Failure));
    }

    /// Until the cell's time is up, to the microsecond.
    fn wait_out(&mut self, cell: &EndpointCell) -> Duration {
        let left = cell.open_remaining(self.now);
        self.now += left;
        left
    }

    /// Takes the probe and ends it.
    fn probe(&mut self, verdict: Verdict) {
        let probe = self.pick().expect("the probe");
        assert_eq!(probe.state(), EndpointState::HalfOpen);
        self.end(&probe, verdict);
    }
}

#[test]
fn six_failures_in_a_row_leave_it_closed_and_the_seventh_opens_it() {
    let scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 6);
    assert_eq!((cell.state(), cell.consecutive_failures()), (EndpointState::Closed, 6));
    scene.fail(&cell, 1);
    assert_eq!((cell.state(), cell.ejections()), (EndpointState::Open, 1));
}

#[test]
fn a_success_in_between_begins_the_count_again() {
    let scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 6);
    scene.end(&cell, Verdict::Success);
    scene.fail(&cell, 6);
    assert_eq!(cell.state(), EndpointState::Closed);
}

#[test]
fn what_says_nothing_about_the_endpoint_does_not_count() {
    let scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 6);
    (0..10).for_each(|_| scene.end(&cell, Verdict::Neutral));
    assert_eq!((cell.state(), cell.consecutive_failures()), (EndpointState::Closed, 6));
}

#[test]
fn an_open_endpoint_gets_no_call_while_others_are_there() {
    let mut scene = Scene::of(3);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    assert!((0..200).all(|_| scene.pick().expect("others are closed").key() != cell.key()));
}

#[test]
fn with_all_open_there_is_no_endpoint_and_the_cause_is_told() {
    let mut scene = Scene::of(2);
    (0..2).for_each(|at| scene.fail(&scene.cell(at), 7));
    assert_eq!(scene.pick().expect_err("all are open"), NoEndpoint::AllOpen);
}

#[test]
fn it_stays_open_for_a_second_give_or_take_half() {
    let open_for = |seed| {
        let mut wire = mesh();
        wire.clusters[0].endpoints = vec![endpoint(&format!("payments-{seed}"), 9000)];
        let scene = Scene { snapshot: snapshot(&wire), ..Scene::of(1) };
        let cell = scene.cell(0);
        scene.fail(&cell, 7);
        cell.open_remaining(scene.now)
    };
    let times: Vec<_> = (0..100).map(open_for).collect();
    assert!(times.iter().all(|time| (ms(500)..=ms(1500)).contains(time)), "{times:?}");
    // Of 100, none in the lowest or in the highest fifth would be an accident of 2 in 10^10.
    assert!(times.iter().any(|time| *time < ms(700)) && times.iter().any(|time| *time > ms(1300)), "{times:?}");
}

#[test]
fn when_its_time_is_up_exactly_one_call_probes_it() {
    let mut scene = Scene::of(3);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    scene.wait_out(&cell);
    assert_eq!(scene.pick().expect("the probe").key(), cell.key());
    assert_eq!(cell.state(), EndpointState::HalfOpen);
    assert!((0..200).all(|_| scene.pick().expect("others are closed").key() != cell.key()));
}

#[test]
fn of_many_workers_one_gets_the_probe() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    scene.wait_out(&cell);
    let (cluster, now) = (payments_cluster(&scene.snapshot), scene.now);
    let probes: usize = std::thread::scope(|scope| {
        let pick = |seed| move || cluster.pick(&[], now, &mut SplitMix64::new(seed)).is_ok();
        let workers: Vec<_> = (0..4).map(|seed| scope.spawn(pick(seed))).collect();
        workers.into_iter().map(|worker| usize::from(worker.join().expect("no panic"))).sum()
    });
    assert_eq!(probes, 1);
}

#[test]
fn a_probe_that_succeeds_closes_it() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    scene.wait_out(&cell);
    scene.probe(Verdict::Success);
    assert_eq!((cell.state(), cell.consecutive_failures()), (EndpointState::Closed, 0));
    scene.fail(&cell, 6);
    assert_eq!(cell.state(), EndpointState::Closed, "it takes seven again");
}

#[test]
fn each_probe_that_fails_doubles_the_time_up_to_60_seconds() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    for plain in [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
        let open_for = scene.wait_out(&cell);
        assert!((ms(plain / 2)..=ms(plain * 3 / 2)).contains(&open_for), "{open_for:?} for {plain} ms");
        scene.probe(Verdict::Failure);
    }
    assert_eq!(cell.ejections(), 9);
}

#[test]
fn after_closing_the_time_begins_at_a_second_again() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    for verdict in [Verdict::Failure, Verdict::Failure, Verdict::Success] {
        scene.wait_out(&cell);
        scene.probe(verdict);
    }
    scene.fail(&cell, 7);
    assert!(cell.open_remaining(scene.now) <= ms(1500));
}

#[test]
fn a_probe_that_says_nothing_lets_the_next_call_probe() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    scene.wait_out(&cell);
    scene.probe(Verdict::Neutral);
    assert_eq!(cell.state(), EndpointState::Open);
    scene.probe(Verdict::Success);
    assert_eq!(cell.state(), EndpointState::Closed);
}

#[test]
fn a_probe_that_never_ends_is_followed_by_another_after_15_seconds() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(&cell, 7);
    scene.wait_out(&cell);
    scene.pick().expect("the probe");
    scene.now += ms(14_999);
    assert_eq!(scene.pick().expect_err("the probe is out"), NoEndpoint::AllOpen);
    scene.now += ms(1);
    scene.pick().expect("another probe");
}

#[test]
fn a_success_from_before_it_opened_does_not_close_it() {
    let scene = Scene::of(1);
    let cell = scene.cell(0);
    cell.begin(scene.now);
    scene.fail(&cell, 7);
    cell.finish(scene.now, ms(1), Verdict::Success, MethodLabel::OTHER);
    assert_eq!(cell.state(), EndpointState::Open);
}

#[test]
fn a_policy_sets_its_own_numbers() {
    let mut wire = mesh();
    let policy = proto::FailureAccrual { consecutive_failures: 2, open_base: millis(100), open_max: millis(100) };
    wire.clusters[0].failure_accrual = Some(policy);
    let scene = Scene { snapshot: snapshot(&wire), ..Scene::of(1) };
    let cell = scene.cell(0);
    scene.fail(&cell, 2);
    assert_eq!(cell.state(), EndpointState::Open);
    assert!((ms(50)..=ms(150)).contains(&cell.open_remaining(scene.now)));
}
