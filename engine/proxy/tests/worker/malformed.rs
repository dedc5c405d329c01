//! Answers that break a rule of HTTP/2: that call alone ends, and it is said what was wrong and whose it was.

use crate::world::{Exchange, Peer, World, fields};

fn answered(say: impl Fn(&mut Peer)) -> Exchange {
    let mut world = World::callee();
    let caller = world.sidecar();
    let beside = world.call(caller, "Unary", &[], b"x");
    let call = world.call(caller, "Unary", &[], b"x");
    let application = world.servers()[0];
    say(world.server(application));
    world.run();
    world.server(application).reply(0, b"y", &[("grpc-status", "0")]);
    world.run();
    assert_eq!(world.seen(caller, beside).status(), "0", "the connection goes on");
    world.seen(caller, call)
}

#[test]
fn a_line_feed_in_a_status_message_is_named_with_whose_it_is_and_the_status_beside_it() {
    let seen = answered(|application| {
        application.reply(1, b"y", &[("grpc-status", "3"), ("grpc-message", "a\nb")]);
    });
    assert_eq!((seen.status(), seen.reason()), ("13", "upstream_reset"), "{seen:?}");
    let words = "the application at 127.0.0.1:1 sent malformed trailers: field \"grpc-message\": a line feed in a value; \
                 its own status was INVALID_ARGUMENT";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn a_malformed_head_is_named_as_one() {
    let seen = answered(|application| {
        let stream = application.request(1);
        application.codec.send_headers(stream, &fields(&[(":status", "200"), ("connection", "close")]), false);
    });
    let words = "the application at 127.0.0.1:1 sent malformed response headers: field \"connection\": \
                 connection-specific field";
    assert_eq!((seen.status(), seen.text("grpc-message")), ("13", words));
}

#[test]
fn what_breaks_a_rule_of_streams_is_said_as_such() {
    let seen = answered(|application| {
        let stream = application.request(1);
        application.codec.send_data(stream, b"before any head", true);
    });
    let message = seen.text("grpc-message");
    assert!(message.starts_with("the application at 127.0.0.1:1 broke HTTP/2 on the stream: "), "{message}");
    assert!(!message.contains("own status"), "{message}");
}

#[test]
fn an_application_that_resets_its_stream_is_said_to_have_done_so() {
    let seen = answered(|application| {
        let stream = application.request(1);
        application.codec.reset(stream, tulle_http2::ErrorCode::INTERNAL_ERROR);
    });
    assert_eq!(seen.text("grpc-message"), "the application at 127.0.0.1:1 reset the stream with INTERNAL_ERROR");
}
