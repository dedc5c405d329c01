//! How long, whether again, and when to stop: deadlines, retries, their budget, breakers.

pub mod accrual;
pub mod below;
pub mod breaker;
pub mod budget;
pub mod deadline;
pub mod policy;
pub mod retry;
