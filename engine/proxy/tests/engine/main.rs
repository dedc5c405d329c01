//! The engine on real sockets, with the h2 crate as the independent peer on both ends.

mod authority;
mod callee;
mod caller;
mod calls;
mod control_plane;
mod mesh;
mod pair;
mod panics;
#[path = "../support/policy.rs"]
mod policy;
mod posts;
mod posts_refused;
mod posts_reused;
mod refusals;
mod retries;
mod slow_reader;
mod stopping;
mod tls_stream;
