//! An allocator that counts what this thread asks for while it is in the worker's code.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Runs `work` with counting switched on.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> T {
    INSIDE.set(true);
    let result = work();
    INSIDE.set(false);
    result
}

/// How often the heap was asked for memory, a larger place for the same included.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// Bytes that were asked for and not given back.
pub(crate) fn held_bytes() -> i64 {
    HELD.get()
}

fn note(allocations: u64, bytes: i64) {
    if INSIDE.get() {
        ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
        HELD.set(HELD.get() + bytes);
    }
}

// SAFETY: every request goes to the system's allocator as it came; only numbers of this thread are added to.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller's promise for `alloc`, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: `memory` came from `alloc` or `realloc`, which are the system's.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise for `realloc`, handed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
