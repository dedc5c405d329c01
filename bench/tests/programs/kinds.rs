//! Each kind of call, of several sizes, directly and through the copies: all of them are ok.

use crate::certificates::Certificates;
use crate::running::{L4, Running, load};

const KINDS: [&str; 4] = ["unary", "server-stream", "ping-pong", "flood"];

fn assert_each_kind_is_ok(target: &str) {
    for kind in KINDS {
        for payload in [0, 100, 100 * 1024] {
            // At a rate, so that each call counts wherever it ends.
            let shape = "--messages 5 --connections 2 --streams 3 --seconds 0.1 --rate 60";
            let counted = load(target, &format!("--kind {kind} --payload {payload} {shape}"));
            counted.assert_all_ok();
            let each = if kind == "unary" { 1 } else { 5 };
            assert_eq!((counted.number("ok"), counted.number("messages")), (6, each * 6), "{kind} {payload}");
        }
    }
}

fn borrowed(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

#[test]
fn each_kind_is_ok_directly() {
    assert_each_kind_is_ok(&Running::backend().address);
}

#[test]
fn each_kind_is_ok_through_a_copy() {
    let backend = Running::backend();
    let copy = Running::start(L4, &["--to", &backend.address]);
    assert_each_kind_is_ok(&copy.address);
}

#[test]
fn each_kind_is_ok_through_a_pair_with_tls() {
    let (backend, certificates) = (Running::backend(), Certificates::made());
    let (inward, outward) = (certificates.inward(), certificates.outward());
    let ingress = Running::start(L4, &[&["--to", &backend.address][..], &borrowed(&inward)].concat());
    let egress = Running::start(L4, &[&["--to", &ingress.address][..], &borrowed(&outward)].concat());
    assert_each_kind_is_ok(&egress.address);
}

#[test]
fn each_kind_is_ok_when_the_generator_speaks_tls_itself() {
    let (backend, certificates) = (Running::backend(), Certificates::made());
    let inward = certificates.inward();
    let ingress = Running::start(L4, &[&["--to", &backend.address][..], &borrowed(&inward)].concat());
    for kind in KINDS {
        let shape =
            "--payload 20000 --messages 5 --connections 2 --streams 3 --seconds 0.1 --rate 60 --server-name echo.bench";
        load(&ingress.address, &format!("--kind {kind} {shape} {}", certificates.of_client())).assert_all_ok();
    }
}

#[test]
fn long_streams_do_not_lock_up() {
    let backend = Running::backend();
    for kind in ["server-stream", "flood"] {
        // Each stream carries more than all windows and socket buffers hold.
        let shape = "--payload 102400 --messages 100 --connections 1 --streams 2 --seconds 0.1 --rate 20";
        let counted = load(&backend.address, &format!("--kind {kind} {shape}"));
        counted.assert_all_ok();
    }
}

#[test]
fn streams_beyond_the_servers_limit_wait_for_their_turn() {
    let backend = Running::backend();
    let counted = load(&backend.address, "--payload 10 --connections 1 --streams 1500 --seconds 0.5");
    counted.assert_all_ok();
}
