//! The engine on real sockets, with the h2 crate as the independent peer on both ends.

mod callee;
mod caller;
mod calls;
mod mesh;
mod refusals;
mod retries;
