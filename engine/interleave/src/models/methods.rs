//! The table of learned methods: one name, one label, never more than 64.

use crate::method::{LEARNED_METHODS, MethodLabel, Methods};
use crate::sync::Arc;
use loom::thread;

#[test]
fn two_workers_learn_a_method_under_one_label() {
    super::explore(3, || {
        let methods = Arc::new(Methods::default());
        let other = methods.clone();
        let there = thread::spawn(move || other.find(b"/t.Echo/Unary").label);
        let here = methods.find(b"/t.Echo/Unary").label;
        assert_eq!(here, there.join().expect("no panic"));
        assert_eq!(methods.name(here), "t.Echo/Unary");
    });
}

#[test]
fn the_last_place_is_given_once() {
    super::explore(2, || {
        let methods = Arc::new(Methods::default());
        for number in 1..LEARNED_METHODS {
            assert_ne!(methods.find(format!("/t.Echo/M{number}").as_bytes()).label, MethodLabel::OTHER);
        }
        let other = methods.clone();
        let there = thread::spawn(move || other.find(b"/t.Echo/One").label);
        let here = methods.find(b"/t.Echo/Two").label;
        let learned = [here, there.join().expect("no panic")].iter().filter(|one| **one != MethodLabel::OTHER).count();
        assert_eq!(learned, 1);
        assert_eq!(methods.find(b"/t.Echo/Three").label, MethodLabel::OTHER);
    });
}
