//! A panic in the mesh is what a run found: its words and its place are kept instead of being written to the terminal.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// What `act` gives.
///
/// # Errors
/// In one line, where it panicked and with what words.
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Result<R, String> {
    HOOK.call_once(listen);
    CATCHING.set(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    CATCHING.set(false);
    done.map_err(|_| SAID.take())
}

/// Panics of other threads, and outside of runs, go where they went before.
fn listen() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !CATCHING.get() {
            return before(panic);
        }
        let payload = panic.payload();
        let owned = payload.downcast_ref::<String>().map(String::as_str);
        let words = owned.or(payload.downcast_ref().copied()).unwrap_or("a panic without words");
        let place = panic.location().map_or_else(String::new, |place| format!("{}:{}: ", place.file(), place.line()));
        SAID.set(format!("{place}{}", words.replace('\n', " ")));
    }));
}
