//! How calls are dealt to connections.

use crate::bad_server::{Fault, serve};
use crate::running::{Running, load};

#[test]
fn an_open_loop_deals_in_turn() {
    let shape = "--payload 10 --connections 4 --streams 100 --seconds 0.4 --rate 1000";
    let counted = load(&Running::backend().address, shape);
    counted.assert_all_ok();
    assert_eq!(counted.by_connection(), (100, 100));
}

#[test]
fn a_connection_that_is_not_served_shows() {
    let shape = "--payload 10 --connections 2 --streams 100 --seconds 0.2 --rate 100";
    let counted = load(&serve(Fault::EverySecondSilent), shape);
    counted.assert_failed("not answered", 10);
    assert_eq!(counted.by_connection(), (0, 10));
}

#[test]
fn a_call_that_never_finds_a_slot_is_not_started() {
    // Alone in its slot the first call is never answered: the server waits for a second one.
    let counted = load(&serve(Fault::Crossed), "--payload 10 --connections 1 --streams 1 --seconds 0.2 --rate 50");
    assert_eq!((counted.failures("not answered"), counted.failures("not started")), (1, 9));
    assert_eq!(counted.number("failed"), 10);
}
