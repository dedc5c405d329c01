//! Under which label a method is counted.

use std::collections::BTreeSet;
use tulle_mesh::method::{LEARNED_METHODS, MethodLabel, Methods};
use tulle_mesh::proto;

fn declared(path: &str) -> proto::Method {
    proto::Method { path: path.into(), ..Default::default() }
}

fn name(methods: &Methods, path: &str) -> String {
    methods.name(methods.find(path.as_bytes()).label).to_string()
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
fn without_declarations_the_first_64_seen_are_kept() {
    let methods = Methods::new(&[], None);
    let names: BTreeSet<_> = (0..200).map(|n| name(&methods, &format!("/a.A/M{n}"))).collect();
    assert_eq!(names.len(), LEARNED_METHODS + 1, "64 and `other`");
    assert_eq!(name(&methods, "/a.A/M0"), "a.A/M0");
    assert_eq!(name(&methods, "/a.A/M63"), "a.A/M63");
    assert_eq!(name(&methods, "/a.A/M64"), "other");
}

#[test]
fn what_could_not_be_a_method_is_never_learned() {
    let methods = Methods::new(&[], None);
    let long = format!("/a.A/{}", "m".repeat(300));
    for odd in ["", "/", "/a", "a/b", "//b", "/a/", "/a/b/c", "/a b/c", "/a/b\n", &long] {
        assert_eq!(methods.find(odd.as_bytes()).label, MethodLabel::OTHER, "{odd:?}");
    }
}

#[test]
fn what_was_learned_goes_on_to_the_next_snapshot() {
    let first = Methods::new(&[], None);
    let label = first.find(b"/a.A/M").label;
    let second = Methods::new(&[], Some(&first));
    assert_eq!(second.find(b"/a.A/M").label, label);
    assert_eq!(second.name(label), "a.A/M");
}

#[test]
fn workers_that_learn_at_once_agree_on_the_labels() {
    let methods = Methods::new(&[], None);
    let learn = || {
        for n in 0..200 {
            let _ = methods.find(format!("/a.A/M{n}").as_bytes());
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
