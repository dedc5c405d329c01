//! What the allocator keeps for later goes back to the system.

/// Asks the allocator to return free pages. Takes well under a millisecond on a heap of some MiB; where the allocator has
/// no such call, nothing happens.
pub(super) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the call takes no pointer, and may be made by any thread at any time (malloc_trim(3), MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}
