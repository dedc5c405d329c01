//! What the engine's threads share, explored by loom: every order of their steps, and what each may see.
//!
//! `build.rs` takes the production files as they stand and puts loom's primitives in the place of `std::sync`'s; nothing
//! of production is written for this. What those files need of others is in `face`. The models are in `models`.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::all,
    reason = "whole files of production, of which models use a part"
)]

mod face;
mod sync;

#[cfg(test)]
mod models;

/// A file that `build.rs` made.
macro_rules! production {
    ($file:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $file));
    };
}

mod blame {
    production!("blame.rs");
}
mod describe {
    pub(crate) use crate::face::describe::*;
}
mod error {
    pub(crate) use crate::face::error::*;
}
mod hash {
    production!("hash.rs");
}
mod identity {
    pub(crate) use crate::face::identity::*;
}
mod method {
    production!("method.rs");
}
mod outcome {
    production!("outcome.rs");
}
mod proto {
    pub(crate) use crate::face::tulle_mesh::proto::*;
}
mod random {
    production!("random.rs");
}
mod reason {
    production!("reason.rs");
}
mod settings {
    pub(crate) use crate::face::settings::*;
}
mod spiffe {
    production!("spiffe.rs");
}
mod status {
    production!("status.rs");
}
mod ticks {
    production!("ticks.rs");
}
mod worker {
    pub(crate) use crate::face::worker::*;
}
mod balance {
    pub(crate) mod endpoint {
        production!("endpoint.rs");
    }
    mod ewma {
        production!("ewma.rs");
    }
    pub(crate) mod load {
        production!("load.rs");
    }
    pub(crate) mod peers {
        production!("peers.rs");
    }
}
mod resilience {
    pub(crate) mod accrual {
        production!("accrual.rs");
    }
    pub(crate) mod breaker {
        production!("breaker.rs");
    }
    pub(crate) mod budget {
        production!("budget.rs");
    }
}
mod io {
    pub(crate) mod post {
        pub(crate) use crate::face::post::*;
    }
    pub(crate) mod running {
        pub(crate) use crate::face::running::*;
    }
    pub(crate) mod shared {
        production!("shared.rs");
    }
}
mod engine {
    production!("engine.rs");
}

/// The same with faults.
#[cfg(test)]
mod faulty {
    pub(crate) mod accrual {
        production!("faulty_accrual.rs");
    }
    pub(crate) mod breaker {
        production!("faulty_breaker.rs");
    }
    pub(crate) mod publish {
        production!("faulty_publish.rs");
    }
    pub(crate) mod inbox {
        production!("faulty_inbox.rs");
    }
    pub(crate) mod descriptors {
        production!("faulty_descriptors.rs");
    }
}
