//! The table of learned methods: one name, one label, never more than 64.

use crate::method::{LEARNED_METHODS, MethodLabel, Methods};
use crate::outcome::Outcome;
use crate::status::Code;
use crate::sync::Arc;
use loom::thread;

/// As a call that succeeded.
fn learn(methods: &Methods, path: &str) -> MethodLabel {
    methods.learn(path.as_bytes(), &Outcome::trailers(Code::Ok, None))
}

#[test]
fn two_workers_learn_a_method_under_one_label() {
    super::explore(3, || {
        let methods = Arc::new(Methods::default());
        let other = methods.clone();
        let there = thread::spawn(move || learn(&other, "/t.Echo/Unary"));
        let here = learn(&methods, "/t.Echo/Unary");
        assert_eq!(here, there.join().expect("no panic"));
        assert_eq!(methods.name(here), "t.Echo/Unary");
    });
}

#[test]
fn the_last_place_is_given_once() {
    super::explore(2, || {
        let methods = Arc::new(Methods::default());
        for number in 1..LEARNED_METHODS {
            assert_ne!(learn(&methods, &format!("/t.Echo/M{number}")), MethodLabel::OTHER);
        }
        let other = methods.clone();
        let there = thread::spawn(move || learn(&other, "/t.Echo/One"));
        let here = learn(&methods, "/t.Echo/Two");
        let learned = [here, there.join().expect("no panic")].iter().filter(|one| **one != MethodLabel::OTHER).count();
        assert_eq!(learned, 1);
        assert_eq!(learn(&methods, "/t.Echo/Three"), MethodLabel::OTHER);
    });
}
