//! The backend beside the good path: what it refuses, what it holds, when it ends.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tulle_bench::messages::{LONGEST, prefix};

use crate::client::Client;
use crate::running::{BACKEND, Running};

const NO_HEADER: (&str, &str) = ("te", "trailers");

fn status(path: &str, header: (&str, &str), request: &[u8]) -> String {
    let backend = Running::backend();
    let mut client = Client::open(&backend.address, path, header);
    client.send(request, true);
    client.status()
}

#[test]
fn any_other_method_is_a_unary_echo() {
    assert_eq!(status("/echo.Echo/Unary", NO_HEADER, &prefix(0)), "0");
}

#[test]
fn health_is_unimplemented() {
    assert_eq!(status("/grpc.health.v1.Health/Check", NO_HEADER, &prefix(0)), "12");
}

#[test]
fn a_server_stream_without_a_number_of_messages_is_an_invalid_argument() {
    assert_eq!(status("/bench.Echo/ServerStream", NO_HEADER, &prefix(0)), "3");
    assert_eq!(status("/bench.Echo/ServerStream", ("bench-messages", "many"), &prefix(0)), "3");
    assert_eq!(status("/bench.Echo/ServerStream", ("bench-messages", "1000001"), &prefix(0)), "3");
}

#[test]
fn no_message_at_all_is_a_whole_stream() {
    assert_eq!(status("/bench.Echo/PingPong", NO_HEADER, &[]), "0");
    assert_eq!(status("/bench.Echo/ServerStream", ("bench-messages", "0"), &prefix(0)), "0");
}

#[test]
fn an_end_within_a_message_is_an_error() {
    for path in ["/bench.Echo/PingPong", "/bench.Echo/Flood", "/bench.Echo/ServerStream"] {
        assert_eq!(status(path, ("bench-messages", "1"), &prefix(1)), "13");
        assert_eq!(status(path, ("bench-messages", "1"), &prefix(0)[..3]), "13");
    }
}

#[test]
fn a_message_over_the_limit_is_refused_at_its_prefix() {
    assert_eq!(status("/bench.Echo/Flood", NO_HEADER, &prefix(LONGEST + 1)), "8");
}

#[test]
fn two_messages_where_one_is_asked_for_are_refused() {
    assert_eq!(status("/bench.Echo/ServerStream", ("bench-messages", "1"), &[prefix(0), prefix(0)].concat()), "8");
}

#[test]
fn a_client_that_gives_no_window_gets_none() {
    let backend = Running::backend();
    let mut client = Client::open(&backend.address, "/bench.Echo/Flood", NO_HEADER);
    let message = [&prefix(1000)[..], &[7; 1000]].concat();
    // Its own window, what the backend keeps of echoes, and a half window that is owed at most.
    assert!(client.send_all_that_is_let(&message, 8 << 20) < 512 * 1024);
}

#[test]
fn a_backend_may_end_with_its_parent() {
    let script = format!("{BACKEND} --listen 127.0.0.1:0 --die-with-parent true & read line");
    let mut command = Command::new("sh");
    let mut shell = command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(shell.stdin.take());
    shell.wait().unwrap();
    // The pipe closes when the last process that holds it has ended.
    output.read_to_end(&mut Vec::new()).unwrap();
}
