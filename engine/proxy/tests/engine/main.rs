//! The engine on real sockets, with the h2 crate as the independent peer on both ends.

mod authority;
mod callee;
mod caller;
mod calls;
mod mesh;
mod pair;
mod panics;
#[path = "../support/policy.rs"]
mod policy;
mod refusals;
mod retries;
mod stopping;
