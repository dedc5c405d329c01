//! The decisions of the mesh, read as sentences: one binary, so that it links once.

mod accrual;
mod authorization;
mod balance;
mod below;
mod blame;
mod budget;
mod collector;
mod deadline;
mod events;
mod histogram;
mod methods;
mod outcome;
mod retry;
mod routing;
mod series;
mod service_breaker;
mod spiffe;
mod support;
mod traces;
mod wire;
