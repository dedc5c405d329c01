//! The models: a few threads, a few steps each, what must hold in every order.

mod accrual;
mod breaker;
mod census;
mod endpoint;
mod engine;
mod methods;
mod shared;

/// Explores all orders with at most `preemptions` switches away from a thread that could go on: three find nearly all
/// faults, and four threads are more than a few seconds otherwise.
pub(crate) fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}
