//! Where instructions are counted: callgrind is told to collect in [`inside`] and nowhere else.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
static PLANTED: AtomicU32 = AtomicU32::new(0);

/// Runs `work`, and counts it after [`begin`] and outside of [`uncounted`].
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> T {
    if !COUNTING.load(Ordering::Relaxed) {
        return work();
    }
    let mut work = Some(work);
    let mut result = None;
    inside(&mut || result = work.take().map(|work| work()));
    result.expect("it has run")
}

/// Everything is warm: from here on it counts. `planted` steps are added to each counted part, to see that they are
/// found.
pub(crate) fn begin(planted: u32) {
    PLANTED.store(planted, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
}

/// Runs `work` without counting what goes through [`counted`] in it.
pub(crate) fn uncounted(work: impl FnOnce()) {
    let was = COUNTING.swap(false, Ordering::Relaxed);
    work();
    COUNTING.store(was, Ordering::Relaxed);
}

/// One function for all that is counted, whatever its type: callgrind knows it by its name, `*counting*inside*`.
#[inline(never)]
fn inside(work: &mut dyn FnMut()) {
    work();
    for step in 0..PLANTED.load(Ordering::Relaxed) {
        black_box(step);
    }
    // Not the last thing that it does, lest the call becomes a jump and callgrind sees this function end before it.
    black_box(work);
}
