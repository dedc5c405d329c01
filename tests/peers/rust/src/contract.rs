//! The messages of `proto/peers.proto`, written by hand so that no protoc is needed to build this.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Ask {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(bytes = "vec", tag = "2")]
    pub blob: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub answer_bytes: u32,
    #[prost(uint32, tag = "4")]
    pub sleep_ms: u32,
    #[prost(uint32, tag = "5")]
    pub count: u32,
    #[prost(uint32, tag = "6")]
    pub interval_ms: u32,
    #[prost(uint32, tag = "7")]
    pub fail_code: u32,
    #[prost(string, tag = "8")]
    pub fail_text: String,
    #[prost(bool, tag = "9")]
    pub raises: bool,
    #[prost(message, repeated, tag = "10")]
    pub head: Vec<Field>,
    #[prost(message, repeated, tag = "11")]
    pub trailers: Vec<Field>,
    #[prost(uint32, tag = "12")]
    pub details_bytes: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Field {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
    #[prost(uint32, tag = "3")]
    pub count: u32,
    #[prost(uint32, tag = "4")]
    pub bytes: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Answer {
    #[prost(bytes = "vec", tag = "1")]
    pub blob: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub received_bytes: u64,
    #[prost(uint64, tag = "3")]
    pub received_messages: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Prefix {
    #[prost(string, tag = "1")]
    pub key: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(message, repeated, tag = "1")]
    pub executions: Vec<Execution>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Execution {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub previous_attempts: String,
    #[prost(int64, tag = "3")]
    pub deadline_ms: i64,
    #[prost(enumeration = "Ending", tag = "4")]
    pub ending: i32,
    #[prost(int64, tag = "5")]
    pub ended_ns: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Ending {
    Running = 0,
    Ended = 1,
    Cancelled = 2,
}

pub mod service {
    #![allow(clippy::all, clippy::pedantic)]
    tonic::include_proto!("tulle.peers.v1.Peers");
}
