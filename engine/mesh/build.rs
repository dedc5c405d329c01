//! Generates the contract's types from `protos/`, without a system protoc.

use std::error::Error;
use std::path::Path;

const CONTRACT: [&str; 2] = ["protos/tulle/v1/snapshot.proto", "protos/tulle/v1/engine.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in CONTRACT {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(CONTRACT, [&root])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
