//! HPACK, RFC 7541: the field compression of HTTP/2.

mod decode;
mod encode;
mod extent;
mod hash;
pub(crate) mod huffman;
mod huffman_code;
mod index;
mod integer;
mod pieces;
mod static_table;
mod table;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;
pub(crate) use pieces::Pieces;

#[cfg(test)]
mod appendix_c_tests;
#[cfg(test)]
mod decode_tests;
#[cfg(test)]
mod encode_tests;
#[cfg(test)]
mod huffman_tests;
#[cfg(test)]
mod pieces_tests;
