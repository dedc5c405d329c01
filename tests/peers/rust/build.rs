//! The server's trait out of the contract's methods, without a protoc.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() {
    let service = Service::builder()
        .name("Peers")
        .package("tulle.peers.v1")
        .method(method("unary", "Unary", "Ask", "Answer").build())
        .method(method("again", "Again", "Ask", "Answer").build())
        .method(method("down", "Down", "Ask", "Answer").server_streaming().build())
        .method(method("up", "Up", "Ask", "Answer").client_streaming().build())
        .method(method("bidi", "Bidi", "Ask", "Answer").client_streaming().server_streaming().build())
        .method(method("executions", "Executions", "Prefix", "Record").build())
        .build();
    Builder::new().build_client(false).compile(&[service]);
}

fn method(name: &str, route: &str, input: &str, output: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::contract::{input}"))
        .output_type(format!("crate::contract::{output}"))
        .codec_path("tonic_prost::ProstCodec")
}
