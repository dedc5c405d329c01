//! Which endpoint of a cluster gets the call.

mod cluster;
pub mod endpoint;
mod ewma;
pub(crate) mod load;
mod p2c;
pub(crate) mod peers;

pub use crate::resilience::accrual::Ticket;
pub use cluster::{Cluster, ClusterConfig, LoadBalancing, NoEndpoint, Picked};
pub use endpoint::{EndpointCell, EndpointKey};
