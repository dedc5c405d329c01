//! Whether an endpoint is left out: closed, open, half-open.

use crate::support::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_mesh::balance::{EndpointCell, NoEndpoint, Picked, Ticket};
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::random::SplitMix64;
use tulle_mesh::resilience::accrual::EndpointState;
use tulle_mesh::snapshot::Snapshot;
use tulle_mesh::status::Code;

/// A cluster whose clock the test holds; all of its endpoints may be out.
struct Scene {
    snapshot: Snapshot,
    now: Instant,
    random: SplitMix64,
}

/// A call under way.
struct Call {
    cell: Arc<EndpointCell>,
    ticket: Ticket,
}

fn well() -> Outcome {
    Outcome::trailers(Code::Ok, None)
}

fn broken() -> Outcome {
    Outcome::connection_lost()
}

fn outlier(max_ejected_percent: Option<u32>) -> proto::Outlier {
    proto::Outlier { consecutive_failures: 7, max_ejected_percent, ..Default::default() }
}

impl Scene {
    fn of(endpoints: usize) -> Self {
        Self::with(endpoints, Some(outlier(Some(100))))
    }

    fn with(endpoints: usize, outlier: Option<proto::Outlier>) -> Self {
        let mut wire = mesh();
        // In turn, so that each gets its calls however it fares.
        let load_balancing = proto::LoadBalancing::RoundRobin.into();
        wire.clusters = vec![proto::Cluster { outlier, load_balancing, ..cluster(PAYMENTS, endpoints) }];
        Self { snapshot: snapshot(&wire), now: Instant::now(), random: random() }
    }

    fn cell(&self, at: usize) -> Arc<EndpointCell> {
        payments_cluster(&self.snapshot).endpoints()[at].clone()
    }

    fn pick(&mut self) -> Result<Picked, NoEndpoint> {
        payments_cluster(&self.snapshot).take(&[], self.now, &mut self.random)
    }

    /// A call that is picked now.
    fn begin(&mut self) -> Call {
        let Picked { cell, ticket } = self.pick().expect("an endpoint");
        cell.begin(self.now);
        Call { cell, ticket }
    }

    fn end(&self, call: &Call, outcome: Outcome) {
        call.cell.settle(call.ticket, self.now, ms(1), &outcome, MethodLabel::OTHER);
    }

    /// So many calls to one endpoint; what goes to others says nothing.
    fn calls(&mut self, at: usize, times: usize, outcome: Outcome) {
        let (key, mut left) = (self.cell(at).key(), times);
        for _ in 0..times * 10 {
            if left == 0 {
                return;
            }
            let call = self.begin();
            let here = call.cell.key() == key;
            left -= usize::from(here);
            self.end(&call, if here { outcome } else { Outcome::cancelled() });
        }
        panic!("{left} of {times} calls did not go there");
    }

    fn fail(&mut self, at: usize, times: usize) {
        self.calls(at, times, broken());
    }

    fn states(&self) -> Vec<EndpointState> {
        payments_cluster(&self.snapshot).endpoints().iter().map(|cell| cell.state()).collect()
    }

    fn out(&self) -> usize {
        self.states().iter().filter(|state| **state != EndpointState::Closed).count()
    }

    /// Until the endpoint's time is up, to the microsecond.
    fn wait_out(&mut self, at: usize) -> Duration {
        let left = self.cell(at).open_remaining(self.now);
        self.now += left;
        left
    }

    /// Takes the probe and ends it.
    fn probe(&mut self, outcome: Outcome) {
        let probe = self.begin();
        assert!(probe.ticket.is_probe() && probe.cell.state() == EndpointState::HalfOpen);
        self.end(&probe, outcome);
    }
}

#[test]
fn six_failures_in_a_row_leave_it_closed_and_the_seventh_opens_it() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(0, 6);
    assert_eq!((cell.state(), cell.consecutive_failures()), (EndpointState::Closed, 6));
    scene.fail(0, 1);
    assert_eq!((cell.state(), cell.ejections()), (EndpointState::Open, 1));
}

#[test]
fn a_success_in_between_begins_the_count_again() {
    let mut scene = Scene::of(1);
    scene.fail(0, 6);
    scene.calls(0, 1, well());
    scene.fail(0, 6);
    assert_eq!(scene.states(), [EndpointState::Closed]);
}

#[test]
fn what_says_nothing_about_the_endpoint_does_not_count() {
    let mut scene = Scene::of(1);
    scene.fail(0, 6);
    scene.calls(0, 10, Outcome::cancelled());
    assert_eq!((scene.states(), scene.cell(0).consecutive_failures()), (vec![EndpointState::Closed], 6));
}

#[test]
fn twenty_impatient_callers_and_twenty_poisonous_requests_eject_nobody() {
    for outcome in
        [Outcome::deadline(), Outcome::trailers(Code::Internal, None), Outcome::trailers(Code::Unknown, None)]
    {
        let mut scene = Scene::of(2);
        (0..2).for_each(|at| scene.calls(at, 20, outcome));
        assert_eq!(scene.out(), 0, "{outcome:?}");
    }
}

#[test]
fn a_policy_may_add_statuses_that_count() {
    let codes = vec![Code::Internal.number()];
    let mut scene = Scene::with(2, Some(proto::Outlier { status_codes: codes, ..outlier(None) }));
    scene.calls(0, 7, Outcome::trailers(Code::Internal, None));
    scene.calls(1, 7, Outcome::trailers(Code::Unknown, None));
    assert_eq!(scene.states(), [EndpointState::Open, EndpointState::Closed]);
}

#[test]
fn an_open_endpoint_gets_no_call_while_others_are_there() {
    let mut scene = Scene::of(3);
    scene.fail(0, 7);
    let key = scene.cell(0).key();
    assert!((0..200).all(|_| scene.pick().expect("others are closed").cell.key() != key));
}

#[test]
fn with_all_open_and_a_policy_that_lets_them_there_is_no_endpoint_and_the_cause_is_told() {
    let mut scene = Scene::of(2);
    (0..2).for_each(|at| scene.fail(at, 7));
    assert_eq!(scene.pick().expect_err("all are open"), NoEndpoint::AllOpen);
}

#[test]
fn a_single_endpoint_is_never_ejected() {
    let mut scene = Scene::with(1, None);
    scene.fail(0, 100);
    let cell = scene.cell(0);
    assert_eq!((cell.state(), cell.ejections()), (EndpointState::Closed, 0));
    assert_eq!((cell.consecutive_failures(), payments_cluster(&scene.snapshot).spared()), (100, 14), "each seventh");
    scene.calls(0, 1, well());
    assert_eq!(cell.consecutive_failures(), 0);
}

#[test]
fn never_more_than_half_are_out_and_the_one_that_has_been_out_longest_is_used_again() {
    for (endpoints, most) in [(2, 1), (3, 1), (4, 2), (5, 2)] {
        let mut scene = Scene::with(endpoints, None);
        for at in 0..endpoints {
            scene.now += Duration::from_micros(1);
            scene.fail(at, 7);
            assert_eq!(scene.out(), most.min(at + 1), "of {endpoints}");
            assert_eq!(scene.states()[at], EndpointState::Open, "the last one to fail is out");
        }
        let again = endpoints - most;
        assert!(scene.states()[..again].iter().all(|state| *state == EndpointState::Closed), "{:?}", scene.states());
        assert_eq!(payments_cluster(&scene.snapshot).spared(), again as u64);
    }
}

#[test]
fn a_share_of_nothing_ejects_nobody() {
    let mut scene = Scene::with(4, Some(outlier(Some(0))));
    (0..4).for_each(|at| scene.fail(at, 7));
    assert_eq!(scene.out(), 0);
}

#[test]
fn a_subset_that_lost_its_only_endpoint_to_calls_of_the_whole_uses_it() {
    let mut wire = mesh();
    wire.clusters = vec![cluster(PAYMENTS, 4), cluster("shop/payments#canary", 1)];
    wire.clusters[0].load_balancing = proto::LoadBalancing::RoundRobin.into();
    wire.clusters[1].endpoints = vec![wire.clusters[0].endpoints[0].clone()];
    let mut scene = Scene { snapshot: snapshot(&wire), now: Instant::now(), random: random() };
    scene.fail(0, 7);
    assert_eq!(scene.states()[0], EndpointState::Open);
    let canary = scene.snapshot.cluster("shop/payments#canary").expect("the subset");
    let picked = canary.take(&[], scene.now, &mut scene.random).expect("one of one is never left out");
    assert_eq!((picked.cell.key(), canary.spared()), (scene.cell(0).key(), 1));
}

#[test]
fn endpoints_that_are_out_elsewhere_are_not_looked_for_here() {
    let mut wire = mesh();
    wire.clusters.push(cluster("shop/ledger", 2));
    wire.clusters[0].load_balancing = proto::LoadBalancing::RoundRobin.into();
    let snapshot = snapshot(&wire);
    let ledger = snapshot.cluster("shop/ledger").expect("the other service").clone();
    let mut scene = Scene { snapshot, now: Instant::now(), random: random() };
    scene.fail(0, 7);
    assert!(payments_cluster(&scene.snapshot).has_open_endpoints() && !ledger.has_open_endpoints());
}

#[test]
fn it_stays_open_for_a_second_give_or_take_half() {
    let open_for = |seed| {
        let mut wire = mesh();
        wire.clusters[0].endpoints = vec![endpoint(&format!("payments-{seed}"), 9000)];
        wire.clusters[0].outlier = Some(outlier(Some(100)));
        let mut scene = Scene { snapshot: snapshot(&wire), ..Scene::of(1) };
        scene.fail(0, 7);
        scene.cell(0).open_remaining(scene.now)
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
    scene.fail(0, 7);
    scene.wait_out(0);
    assert_eq!(scene.pick().expect("the probe").cell.key(), cell.key());
    assert_eq!(cell.state(), EndpointState::HalfOpen);
    assert!((0..200).all(|_| scene.pick().expect("others are closed").cell.key() != cell.key()));
}

#[test]
fn of_many_workers_one_gets_the_probe() {
    let mut scene = Scene::of(1);
    scene.fail(0, 7);
    scene.wait_out(0);
    let (cluster, now) = (payments_cluster(&scene.snapshot), scene.now);
    let probes: usize = std::thread::scope(|scope| {
        let pick = |seed| move || cluster.take(&[], now, &mut SplitMix64::new(seed)).is_ok();
        let workers: Vec<_> = (0..4).map(|seed| scope.spawn(pick(seed))).collect();
        workers.into_iter().map(|worker| usize::from(worker.join().expect("no panic"))).sum()
    });
    assert_eq!(probes, 1);
}

#[test]
fn a_probe_that_succeeds_closes_it() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(0, 7);
    scene.wait_out(0);
    scene.probe(well());
    assert_eq!((cell.state(), cell.consecutive_failures()), (EndpointState::Closed, 0));
    scene.fail(0, 6);
    assert_eq!(cell.state(), EndpointState::Closed, "it takes seven again");
}

#[test]
fn each_probe_that_fails_doubles_the_time_up_to_60_seconds() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(0, 7);
    for plain in [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
        let open_for = scene.wait_out(0);
        assert!((ms(plain / 2)..=ms(plain * 3 / 2)).contains(&open_for), "{open_for:?} for {plain} ms");
        scene.probe(broken());
    }
    assert_eq!(cell.ejections(), 9);
}

#[test]
fn after_closing_the_time_begins_at_a_second_again() {
    let mut scene = Scene::of(1);
    let cell = scene.cell(0);
    scene.fail(0, 7);
    for outcome in [broken(), broken(), well()] {
        scene.wait_out(0);
        scene.probe(outcome);
    }
    scene.fail(0, 7);
    assert!(cell.open_remaining(scene.now) <= ms(1500));
}

#[test]
fn a_probe_that_never_ends_is_followed_by_another_after_15_seconds() {
    let mut scene = Scene::of(1);
    scene.fail(0, 7);
    scene.wait_out(0);
    scene.pick().expect("the probe");
    scene.now += ms(14_999);
    assert_eq!(scene.pick().expect_err("the probe is out"), NoEndpoint::AllOpen);
    scene.now += ms(1);
    scene.pick().expect("another probe");
}

#[test]
fn a_probe_is_judged_by_its_first_sign_of_life_and_not_by_its_end() {
    let mut scene = Scene::of(1);
    scene.fail(0, 7);
    scene.wait_out(0);
    let probe = scene.begin();
    probe.cell.answered(probe.ticket);
    assert_eq!(scene.states(), [EndpointState::Closed]);
    scene.now += ms(40_000);
    scene.end(&probe, broken());
    assert_eq!(scene.cell(0).consecutive_failures(), 1, "from then on it is a call like any other");
}

#[test]
fn a_probe_that_its_caller_cancels_or_cuts_short_is_followed_by_another_at_once() {
    for outcome in [Outcome::cancelled(), Outcome::deadline()] {
        let mut scene = Scene::of(1);
        scene.fail(0, 7);
        scene.wait_out(0);
        scene.probe(outcome);
        scene.probe(well());
        assert_eq!(scene.states(), [EndpointState::Closed]);
    }
}

#[test]
fn a_call_from_before_the_ejection_neither_closes_nor_reopens() {
    for outcome in [well(), broken(), Outcome::cancelled()] {
        let mut scene = Scene::of(1);
        let before: Vec<_> = (0..8).map(|_| scene.begin()).collect();
        scene.fail(0, 7);
        scene.end(&before[0], outcome);
        assert_eq!(scene.states(), [EndpointState::Open], "{outcome:?}");
        scene.wait_out(0);
        let probe = scene.begin();
        before[1..7].iter().for_each(|call| call.cell.answered(call.ticket));
        scene.end(&before[1], outcome);
        assert_eq!(scene.states(), [EndpointState::HalfOpen], "{outcome:?}");
        scene.end(&probe, well());
        before[2..].iter().for_each(|call| scene.end(call, outcome));
        assert_eq!((scene.states(), scene.cell(0).consecutive_failures()), (vec![EndpointState::Closed], 0));
    }
}

#[test]
fn a_probe_whose_place_another_has_taken_decides_nothing() {
    let mut scene = Scene::of(1);
    scene.fail(0, 7);
    scene.wait_out(0);
    let hung = scene.begin();
    scene.now += ms(15_000);
    let second = scene.begin();
    scene.end(&hung, broken());
    assert_eq!(scene.states(), [EndpointState::HalfOpen]);
    scene.end(&second, well());
    assert_eq!(scene.states(), [EndpointState::Closed]);
}

#[test]
fn a_policy_sets_its_own_numbers() {
    let policy =
        proto::Outlier { consecutive_failures: 2, open_base: millis(100), open_max: millis(100), ..outlier(Some(100)) };
    let mut scene = Scene::with(1, Some(policy));
    scene.fail(0, 2);
    assert_eq!(scene.states(), [EndpointState::Open]);
    assert!((ms(50)..=ms(150)).contains(&scene.cell(0).open_remaining(scene.now)));
}
