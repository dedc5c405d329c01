//! The examples of RFC 7541 appendix C, each run with its table's size after every block.

use super::decode::Decoder;
use super::decode_tests::{decode, hex};

/// A block, the fields it gives and the table's size after it.
type Step<'s> = (&'s str, &'s [(&'s str, &'s str)], usize);

fn run(table: usize, steps: &[Step<'_>]) {
    let mut decoder = Decoder::new();
    decoder.table_mut().resize(table);
    for (block, expected, size) in steps {
        let got = decode(&mut decoder, &hex(block)).expect("the RFC's own block");
        let expected: Vec<_> = expected.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        assert_eq!(got, expected);
        assert_eq!(decoder.table_mut().size(), *size);
    }
}

const FIRST: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];
const SECOND: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "www.example.com"),
    ("cache-control", "no-cache"),
];
const THIRD: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
];
const FOURTH: &[(&str, &str)] = &[
    (":status", "302"),
    ("cache-control", "private"),
    ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
    ("location", "https://www.example.com"),
];
const FIFTH: &[(&str, &str)] = &[
    (":status", "307"),
    ("cache-control", "private"),
    ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
    ("location", "https://www.example.com"),
];
const SIXTH: &[(&str, &str)] = &[
    (":status", "200"),
    ("cache-control", "private"),
    ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
    ("location", "https://www.example.com"),
    ("content-encoding", "gzip"),
    ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
];

#[test]
fn c2_single_representations() {
    run(4_096, &[("400a637573746f6d2d6b65790d637573746f6d2d686561646572", &[("custom-key", "custom-header")], 55)]);
    run(4_096, &[("040c2f73616d706c652f70617468", &[(":path", "/sample/path")], 0)]);
    run(4_096, &[("100870617373776f726406736563726574", &[("password", "secret")], 0)]);
    run(4_096, &[("82", &[(":method", "GET")], 0)]);
}

#[test]
fn c3_requests_without_huffman() {
    run(
        4_096,
        &[
            ("828684410f7777772e6578616d706c652e636f6d", FIRST, 57),
            ("828684be58086e6f2d6361636865", SECOND, 110),
            ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", THIRD, 164),
        ],
    );
}

#[test]
fn c4_requests_with_huffman() {
    run(
        4_096,
        &[
            ("828684418cf1e3c2e5f23a6ba0ab90f4ff", FIRST, 57),
            ("828684be5886a8eb10649cbf", SECOND, 110),
            ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", THIRD, 164),
        ],
    );
}

#[test]
fn c5_responses_without_huffman_in_a_table_of_256() {
    run(
        256,
        &[
            (
                "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                FOURTH,
                222,
            ),
            ("4803333037c1c0bf", FIFTH, 222),
            (
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
                SIXTH,
                215,
            ),
        ],
    );
}

#[test]
fn c6_responses_with_huffman_in_a_table_of_256() {
    run(
        256,
        &[
            (
                "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
                FOURTH,
                222,
            ),
            ("4883640effc1c0bf", FIFTH, 222),
            (
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                SIXTH,
                215,
            ),
        ],
    );
}
