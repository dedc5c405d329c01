//! Under which label a method is counted.

use std::collections::BTreeSet;
use tulle_mesh::method::{LEARNED_DENIED, LEARNED_METHODS, MethodLabel, Methods};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto;
use tulle_mesh::reason::Reason;
use tulle_mesh::status::Code;

fn declared(path: &str) -> proto::Method {
    proto::Method { path: path.into(), ..Default::default() }
}

fn name(methods: &Methods, path: &str) -> String {
    methods.name(methods.find(path.as_bytes()).label).to_string()
}

fn ended(code: Code) -> Outcome {
    Outcome::trailers_only(code, None)
}

/// Under which name a call that ended so is counted.
fn counted(methods: &Methods, path: &str, code: Code) -> String {
    methods.name(methods.learn(path.as_bytes(), &ended(code))).to_string()
}

#[test]
fn a_declared_method_is_itself_and_any_other_is_other() {
    let methods = Methods::new(&[declared("/a.A/M"), declared("/a.A/N")], None);
    assert_eq!(name(&methods, "/a.A/M"), "a.A/M");
    assert_eq!(name(&methods, "/a.A/N"), "a.A/N");
    assert_eq!(name(&methods, "/a.A/O"), "other");
}

#[test]
fn a_declared_method_tells_its_kind() {
    let stream = proto::Method { server_streaming: true, idempotent: true, ..declared("/a.A/Watch") };
    let methods = Methods::new(&[stream, declared("/a.A/M")], None);
    let (watch, unary, unknown) = (methods.find(b"/a.A/Watch"), methods.find(b"/a.A/M"), methods.find(b"/a.A/O"));
    assert_eq!((watch.unary, watch.client_streaming, watch.idempotent), (Some(false), Some(false), true));
    assert_eq!((unary.unary, unary.idempotent), (Some(true), false));
    assert_eq!((unknown.unary, unknown.client_streaming, unknown.idempotent), (None, None, false));
}

#[test]
fn without_declarations_the_first_64_that_succeed_are_kept() {
    let methods = Methods::new(&[], None);
    let names: BTreeSet<_> = (0..200).map(|n| counted(&methods, &format!("/a.A/M{n}"), Code::Ok)).collect();
    assert_eq!(names.len(), LEARNED_METHODS + 1, "64 and `other`");
    assert_eq!(name(&methods, "/a.A/M0"), "a.A/M0");
    assert_eq!(name(&methods, "/a.A/M63"), "a.A/M63");
    assert_eq!(name(&methods, "/a.A/M64"), "other");
}

#[test]
fn names_that_the_application_does_not_have_take_nobodys_place() {
    let methods = Methods::new(&[], None);
    for n in 0..200 {
        assert_eq!(counted(&methods, &format!("/a.A/Junk{n}"), Code::Unimplemented), "other");
        assert_eq!(name(&methods, &format!("/a.A/Junk{n}")), "other");
    }
    assert_eq!(counted(&methods, "/a.A/Real", Code::Ok), "a.A/Real");
}

#[test]
fn what_only_fails_leaves_places_for_what_succeeds() {
    let methods = Methods::new(&[], None);
    (0..200).for_each(|n| drop(counted(&methods, &format!("/a.A/Junk{n}"), Code::Unauthenticated)));
    assert_eq!(counted(&methods, "/a.A/Failing", Code::Internal), "other");
    assert_eq!(counted(&methods, "/a.A/Real", Code::Ok), "a.A/Real");
    assert_eq!(name(&methods, "/a.A/Junk0"), "a.A/Junk0", "where there is room, one that fails has its name");
}

#[test]
fn what_policy_refuses_has_a_name_while_few_have() {
    let methods = Methods::new(&[], None);
    let denied = |n| methods.learn(format!("/a.A/Junk{n}").as_bytes(), &Outcome::local(Reason::Denied));
    assert_eq!(methods.name(denied(0)), "a.A/Junk0");
    let names = (0..200).map(denied).filter(|label| *label != MethodLabel::OTHER).count();
    assert_eq!(names, LEARNED_DENIED);
    assert_eq!(counted(&methods, "/a.A/Failing", Code::Internal), "a.A/Failing");
}

#[test]
fn calls_that_no_application_answered_teach_nothing() {
    let methods = Methods::new(&[], None);
    for outcome in [Outcome::cancelled(), Outcome::deadline(), Outcome::connect_failed(), Outcome::local(Reason::Shed)]
    {
        assert_eq!(methods.learn(b"/a.A/M", &outcome), MethodLabel::OTHER, "{outcome:?}");
    }
    let told = Outcome::trailers_only(Code::PermissionDenied, Some(Reason::Denied));
    assert_eq!(methods.learn(b"/a.A/M", &told), MethodLabel::OTHER, "its sidecar answered");
}

#[test]
fn what_could_not_be_a_method_is_never_learned() {
    let methods = Methods::new(&[], None);
    let long = format!("/a.A/{}", "m".repeat(300));
    for odd in ["", "/", "/a", "a/b", "//b", "/a/", "/a/b/c", "/a b/c", "/a/b\n", &long] {
        assert_eq!(methods.learn(odd.as_bytes(), &ended(Code::Ok)), MethodLabel::OTHER, "{odd:?}");
    }
}

#[test]
fn what_was_learned_goes_on_to_the_next_snapshot() {
    let first = Methods::new(&[], None);
    let label = first.learn(b"/a.A/M", &ended(Code::Ok));
    let second = Methods::new(&[], Some(&first));
    assert_eq!(second.find(b"/a.A/M").label, label);
    assert_eq!(second.name(label), "a.A/M");
}

#[test]
fn workers_that_learn_at_once_agree_on_the_labels() {
    let methods = Methods::new(&[], None);
    let learn = || {
        for n in 0..200 {
            let _ = methods.learn(format!("/a.A/M{n}").as_bytes(), &ended(Code::Ok));
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(learn))));
    let labels: BTreeSet<_> = (0..200).map(|n| methods.find(format!("/a.A/M{n}").as_bytes()).label.index()).collect();
    assert!(labels.len() <= LEARNED_METHODS + 1);
    for n in 0..200 {
        let path = format!("/a.A/M{n}");
        let name = name(&methods, &path);
        assert!(name == "other" || path.ends_with(&name), "{path} is counted as {name}");
    }
}
