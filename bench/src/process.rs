//! This process among others: its descriptors, its CPU time, its parent's death.

use std::time::Duration;

use rustix::process::{Resource, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::flags::{Flag, Flags};

/// What [`die_with_parent`] reads.
pub const DIE_WITH_PARENT: Flag =
    Flag { name: "die-with-parent", value: "true", about: "end when the parent process does" };
/// Where a server listens.
pub const LISTEN: Flag =
    Flag { name: "listen", value: "ADDRESS:PORT", about: "where; port 0 takes a free one, which is printed" };

/// Allows as many open sockets as the system lets this user have: a thousand connections are past the usual 1,024.
pub fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where this is refused the first socket too many says so itself.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// CPU time of all threads of this process since its start.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// With `--die-with-parent true` the system kills this process once its parent is gone, however that ended.
///
/// # Errors
/// The flag's value is neither `true` nor `false`, or the system refuses.
pub fn die_with_parent(flags: &Flags) -> Result<(), String> {
    if !flags.find::<bool>("die-with-parent")?.unwrap_or(false) {
        return Ok(());
    }
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| format!("--die-with-parent: {error}"))
}
