//! Who may call what, and what a refused caller is told.

use crate::support::*;
use std::sync::Arc;
use tulle_mesh::authz::Access;
use tulle_mesh::proto::{AccessAction, AccessRule};
use tulle_mesh::snapshot::Inbound;
use tulle_mesh::spiffe::SpiffeId;

const CHARGE: &[u8] = b"/shop.v1.Payments/Charge";
const CHECKOUT: &str = "spiffe://shop.local/shop/checkout";

fn rule(policy: &str, action: AccessAction, identities: &[&str], methods: &[&str]) -> AccessRule {
    AccessRule {
        policy: policy.into(),
        rule: 1,
        action: action.into(),
        identities: identities.iter().map(ToString::to_string).collect(),
        methods: methods.iter().map(ToString::to_string).collect(),
    }
}

fn allow(identities: &[&str], methods: &[&str]) -> AccessRule {
    rule("shop/callers", AccessAction::Allow, identities, methods)
}

fn deny(identities: &[&str], methods: &[&str]) -> AccessRule {
    rule("shop/blocked", AccessAction::Deny, identities, methods)
}

fn inbound_with(rules: Vec<AccessRule>) -> Arc<Inbound> {
    let mut wire = mesh();
    wire.inbound.as_mut().expect("inbound").rules = rules;
    snapshot(&wire).inbound().expect("inbound").clone()
}

/// "allowed by POLICY", "allowed", or the message that the caller is sent.
fn decision(inbound: &Inbound, caller: &str, path: &[u8]) -> String {
    let caller = SpiffeId::parse(caller).expect("a valid id");
    match inbound.authorize(&caller, path) {
        Access::Allow { policy: Some(policy) } => format!("allowed by {policy}"),
        Access::Allow { policy: None } => "allowed".into(),
        Access::Deny(denial) => denial.to_string(),
    }
}

#[test]
fn without_a_rule_everybody_is_denied_and_told_that_no_policy_allows_it() {
    let told = decision(&inbound_with(vec![]), CHECKOUT, CHARGE);
    assert_eq!(told, format!("no AccessPolicy allows {CHECKOUT} to call shop.v1.Payments/Charge, revision 12"));
}

#[test]
fn an_allow_that_matches_lets_exactly_that_caller_call_exactly_that_method() {
    let inbound = inbound_with(vec![allow(&[CHECKOUT], &["shop.v1.Payments/Charge"])]);
    assert_eq!(decision(&inbound, CHECKOUT, CHARGE), "allowed by shop/callers");
    assert!(decision(&inbound, CHECKOUT, b"/shop.v1.Payments/Refund").starts_with("no AccessPolicy"));
    assert!(decision(&inbound, "spiffe://shop.local/shop/checkout2", CHARGE).starts_with("no AccessPolicy"));
    assert!(decision(&inbound, "spiffe://other.local/shop/checkout", CHARGE).starts_with("no AccessPolicy"));
}

#[test]
fn a_deny_that_matches_wins_over_any_allow_and_is_named_with_rule_and_revision() {
    let inbound = inbound_with(vec![allow(&[], &[]), deny(&[CHECKOUT], &[])]);
    let told = decision(&inbound, CHECKOUT, CHARGE);
    assert_eq!(told, format!("denied to {CHECKOUT} by AccessPolicy shop/blocked, rule 1, revision 12"));
    assert_eq!(decision(&inbound, "spiffe://shop.local/shop/other", CHARGE), "allowed by shop/callers");
}

#[test]
fn a_prefix_takes_what_is_under_it_and_nothing_beside_it() {
    let inbound = inbound_with(vec![allow(&["spiffe://shop.local/shop/*"], &[])]);
    assert_eq!(decision(&inbound, "spiffe://shop.local/shop/any", CHARGE), "allowed by shop/callers");
    assert!(decision(&inbound, "spiffe://shop.local/shopping/any", CHARGE).starts_with("no AccessPolicy"));
    assert!(decision(&inbound, "spiffe://shop.local.evil/shop/any", CHARGE).starts_with("no AccessPolicy"));
}

#[test]
fn all_methods_of_a_service_are_those_under_its_whole_name() {
    let inbound = inbound_with(vec![allow(&[], &["shop.v1.Payments/*"])]);
    assert_eq!(decision(&inbound, CHECKOUT, CHARGE), "allowed by shop/callers");
    assert!(decision(&inbound, CHECKOUT, b"/shop.v1.PaymentsAdmin/Charge").starts_with("no AccessPolicy"));
}

#[test]
fn only_the_matching_part_of_several_rules_decides() {
    let inbound = inbound_with(vec![
        allow(&[CHECKOUT], &["shop.v1.Payments/Refund"]),
        allow(&["spiffe://shop.local/shop/*"], &["shop.v1.Payments/List"]),
        deny(&["spiffe://shop.local/lab/*"], &["shop.v1.Payments/List"]),
    ]);
    assert!(decision(&inbound, CHECKOUT, CHARGE).starts_with("no AccessPolicy"));
    assert_eq!(decision(&inbound, CHECKOUT, b"/shop.v1.Payments/Refund"), "allowed by shop/callers");
    assert_eq!(decision(&inbound, CHECKOUT, b"/shop.v1.Payments/List"), "allowed by shop/callers");
    assert!(decision(&inbound, "spiffe://shop.local/lab/x", b"/shop.v1.Payments/List").starts_with("denied to"));
}

#[test]
fn an_open_service_allows_what_no_rule_denies() {
    let mut wire = mesh();
    let inbound = wire.inbound.as_mut().expect("inbound");
    inbound.allow_by_default = true;
    inbound.rules = vec![deny(&[], &["shop.v1.Payments/Charge"])];
    let snapshot = snapshot(&wire);
    let inbound = snapshot.inbound().expect("inbound");
    assert_eq!(decision(inbound, CHECKOUT, b"/shop.v1.Payments/List"), "allowed");
    assert!(decision(inbound, CHECKOUT, CHARGE).starts_with("denied to"));
    // Without its slash the path would pass the deny and still reach a lenient server.
    assert!(decision(inbound, CHECKOUT, &CHARGE[1..]).starts_with("no AccessPolicy"));
}

#[test]
fn bytes_of_a_path_cannot_break_the_message() {
    let told = decision(&inbound_with(vec![]), CHECKOUT, b"/a.B/\r\n\xff");
    assert!(told.contains("a.B/\\r\\n\\xff") && !told.contains('\n'), "{told}");
}

/// Spellings of "/shop.v1.Payments/Charge" that some HTTP library takes for it.
const SPELLINGS: [&str; 17] = [
    "//shop.v1.Payments/Charge",
    "/shop.v1.Payments//Charge",
    "/./shop.v1.Payments/Charge",
    "/shop.v1.Payments/./Charge",
    "/x/../shop.v1.Payments/Charge",
    "/shop.v1.Payments/x/../Charge",
    "/shop.v1.Payments/Charge/",
    "/shop.v1.Payments/Charge/.",
    "/shop.v1.Payments/%43harge",
    "/shop.v1.Payments%2FCharge",
    "/shop.v1.Payments\\Charge",
    "/shop.v1.Payments/Charge;v=1",
    "/shop.v1.Payments/Charge?x=1",
    "/shop.v1.Payments/Charge#x",
    "/shop.v1.Payments/Charge ",
    "/shop.v1.payments/charge",
    "/SHOP.V1.PAYMENTS/CHARGE",
];

#[test]
fn a_deny_holds_against_every_spelling_that_an_application_could_take_for_its_method() {
    for denied in [&["shop.v1.Payments/Charge"], &["shop.v1.Payments/*"]] {
        let inbound = inbound_with(vec![allow(&[], &[]), deny(&[], denied)]);
        for path in SPELLINGS {
            let told = decision(&inbound, CHECKOUT, path.as_bytes());
            assert!(!told.starts_with("allowed"), "{path}: {told}");
        }
    }
}

#[test]
fn an_allow_of_a_services_methods_does_not_lead_out_of_it() {
    let inbound = inbound_with(vec![allow(&[], &["shop.v1.Payments/*"])]);
    let told = decision(&inbound, CHECKOUT, b"/shop.v1.Payments/../shop.v1.Admin/Delete");
    let why = "the path has a dot segment, which may stand for another method, and no rule names it so";
    assert!(told.starts_with("no AccessPolicy allows") && told.contains(why), "{told}");
}

#[test]
fn a_path_that_a_rule_names_exactly_is_itself_however_it_looks() {
    let named = allow(&[CHECKOUT], &["shop.v1.Payments/%43harge", "shop.v1.Payments/charge"]);
    let inbound = inbound_with(vec![allow(&[], &[]), named, deny(&[], &["shop.v1.Payments/Charge"])]);
    assert_eq!(decision(&inbound, CHECKOUT, b"/shop.v1.Payments/%43harge"), "allowed by shop/callers");
    assert_eq!(decision(&inbound, CHECKOUT, b"/shop.v1.Payments/charge"), "allowed by shop/callers");
    assert!(decision(&inbound, CHECKOUT, CHARGE).starts_with("denied to"));
    assert!(!decision(&inbound, "spiffe://shop.local/shop/x", b"/shop.v1.Payments/charge").starts_with("allowed"));
}

#[test]
fn honest_methods_with_unusual_names_pass_a_service_with_denied_ones() {
    let inbound = inbound_with(vec![allow(&[], &[]), deny(&[], &["shop.v1.Payments/Charge"])]);
    for path in ["/a.A/M-1", "/a/b", "/a.A/get:all", "/a.A/M(int)", "/a.A/M.v2", "/a.A/...", "/größe.A/Maß", "/x/y/z"]
    {
        assert_eq!(decision(&inbound, CHECKOUT, path.as_bytes()), "allowed by shop/callers", "{path}");
    }
}

#[test]
fn where_no_rule_speaks_of_methods_no_path_is_odd() {
    let inbound =
        inbound_with(vec![allow(&["spiffe://shop.local/shop/*"], &[]), deny(&["spiffe://shop.local/lab/*"], &[])]);
    for path in SPELLINGS {
        assert_eq!(decision(&inbound, CHECKOUT, path.as_bytes()), "allowed by shop/callers", "{path}");
    }
}
