//! Names and paths that lead nowhere.

use crate::policy::Policy;
use crate::world::{Exchange, World, address, fields};
use tulle_http2::Token;

fn refused(head: &[(&str, &str)]) -> Exchange {
    let mut world = World::new(&Policy::to(&[address(1)]));
    let caller = world.caller();
    let codec = &mut world.server(caller).codec;
    let stream = codec.open(Token(1), &fields(head), true).expect("a stream");
    world.run();
    assert_eq!(world.request_count(), 0);
    world.seen(caller, stream)
}

#[test]
fn a_name_that_the_mesh_does_not_know_is_unavailable_and_it_is_said_what_to_do() {
    let head = [(":method", "POST"), (":scheme", "http"), (":path", "/t.Echo/Unary"), (":authority", "nobody.shop")];
    let seen = refused(&head);
    assert_eq!((seen.status(), seen.reason()), ("14", "unknown_service"), "{seen:?}");
    let words = "no service answers to the authority nobody.shop; declare a Service of that name, or add it to the \
                 upstreams of Service shop/front";
    assert_eq!(seen.text("grpc-message"), words);
}

#[test]
fn what_calls_no_method_takes_no_route() {
    let connect: &[(&str, &str)] = &[(":method", "CONNECT"), (":authority", "echo.shop")];
    let options: &[(&str, &str)] =
        &[(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "echo.shop")];
    for head in [connect, options] {
        let seen = refused(head);
        assert_eq!((seen.status(), seen.reason()), ("12", "no_route"), "{seen:?}");
    }
}
