//! Which endpoint of a cluster gets the call.

mod cluster;
pub mod endpoint;
mod ewma;
mod p2c;

pub use cluster::{Cluster, ClusterConfig, LoadBalancing, NoEndpoint};
pub use endpoint::{EndpointCell, EndpointKey};
