//! What holds of a worker for any schedule and any cut of its input.

mod peer;
#[path = "../support/policy.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod policy;
mod splits;
mod windows;
#[path = "../worker/world.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod world;
