//! `std::sync` as loom has it. `Arc` and `OnceLock` stay: what they guard is not what is in question.

pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock, mpsc};
pub(crate) use std::sync::{Arc, OnceLock, PoisonError};

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::*;
}
