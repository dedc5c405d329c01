//! A slow reader's turns: now and then it gives some window back, as long as any is owed.

use crate::agenda::Event;
use crate::scenario::Pace;
use crate::stack::Stack;
use crate::world::World;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Reading {
    /// None: whoever reads at once has no turns.
    every: Option<Duration>,
    turn: Event,
    is_due: bool,
}

// === impl Reading ===

impl Reading {
    /// Its turns come as events of this kind.
    pub(crate) fn new(pace: Pace, turn: Event) -> Self {
        let every = if let Pace::Slow { every, .. } = pace { Some(every) } else { None };
        Self { every, turn, is_due: false }
    }

    /// The turn is here.
    pub(crate) fn begin(&mut self) {
        self.is_due = false;
    }

    /// There is another one where any of the stacks owes something.
    pub(crate) fn go_on<'a>(&mut self, world: &mut World<'_>, mut stacks: impl Iterator<Item = &'a Stack>) {
        let Some(every) = self.every.filter(|_| !self.is_due) else { return };
        if stacks.any(Stack::owes) {
            self.is_due = true;
            world.after(every, self.turn);
        }
    }
}
