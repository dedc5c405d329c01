//! Servers that take many young resets for an attack, and end the connection with all its calls.

use super::Line;
use crate::time::Time;
use std::collections::VecDeque;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(30);

/// When streams of a connection were reset lately.
#[derive(Debug, Default)]
pub(super) struct Resets(VecDeque<Time>);

// === impl Resets ===

impl Resets {
    pub(super) fn count(&mut self, now: Time) {
        self.0.push_back(now);
        while self.0.front().is_some_and(|at| now.since(*at) > WINDOW) {
            self.0.pop_front();
        }
    }
}

// === impl Line ===

impl Line {
    pub(super) fn is_flooded(&self, most: Option<u32>) -> bool {
        most.is_some_and(|most| self.resets.0.len() > most as usize)
    }
}
