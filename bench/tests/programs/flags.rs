//! A wrong flag ends a program with 2 and one line that names it.

use std::process::Command;

use crate::running::{BACKEND, L4, LOADGEN};

const GOOD: &str = "--target 127.0.0.1:1 --authority a --payload 1 --connections 1 --streams 1 --seconds 1";

fn assert_refused(program: &str, flags: &str, named: &str) {
    let ended = Command::new(program).args(flags.split_whitespace()).output().unwrap();
    let line = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{flags}: {line}");
    assert!(line.contains(named) && line.lines().count() == 1, "{flags}: {line}");
    assert!(ended.stdout.is_empty());
}

#[test]
fn the_generator_names_the_flag() {
    for (flag, value) in [
        ("--kind", "binary"),
        ("--rate", "0"),
        ("--messages", "0"),
        ("--ca", "/none.pem"),
        ("--key", "/none.pem"),
        ("--server-name", "x"),
        ("--colour", "red"),
        ("--seconds", "2"),
    ] {
        assert_refused(LOADGEN, &format!("{GOOD} {flag} {value}"), flag);
    }
    for (name, from, to) in [
        ("--seconds", "--seconds 1", "--seconds 7201"),
        ("--seconds", "--seconds 1", "--seconds NaN"),
        ("--streams", "--streams 1", "--streams 100001"),
        ("--connections", "--connections 1", "--connections 0"),
        ("--payload", "--payload 1", "--payload -1"),
        ("--payload", "--payload 1", ""),
        ("--target", "--target 127.0.0.1:1", "--target nowhere"),
        ("--seconds", "--seconds 1", "--seconds"),
    ] {
        assert_refused(LOADGEN, &GOOD.replace(from, to), name);
    }
    assert_refused(LOADGEN, &format!("{GOOD} --kind handshake"), "--ca");
}

#[test]
fn connections_times_streams_are_bounded() {
    let many = GOOD.replace("--connections 1", "--connections 1000").replace("--streams 1", "--streams 101");
    assert_refused(LOADGEN, &many, "--streams");
}

#[test]
fn a_target_that_is_not_there_is_one_line() {
    assert_refused(LOADGEN, GOOD, "--target 127.0.0.1:1: nothing could connect");
}

#[test]
fn the_servers_name_the_flag() {
    assert_refused(BACKEND, "", "--listen");
    assert_refused(BACKEND, "--listen 127.0.0.1:0 --stall-at 1", "--stall-ms");
    assert_refused(BACKEND, "--listen 127.0.0.1:0 --die-with-parent maybe", "--die-with-parent");
    assert_refused(L4, "--listen 127.0.0.1:0", "--to");
    assert_refused(L4, "--listen 127.0.0.1:0 --to 127.0.0.1:1 --in-ca /none.pem", "--in-ca");
    assert_refused(L4, "--listen 127.0.0.1:0 --to 127.0.0.1:1 --out-name x", "--out-name");
}

#[test]
fn help_lists_every_flag() {
    for (program, flags) in
        [(LOADGEN, GOOD), (BACKEND, "--listen --stall-at --stall-ms"), (L4, "--to --in-ca --out-name")]
    {
        let ended = Command::new(program).arg("--help").output().unwrap();
        let help = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success());
        for flag in flags.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{flag} in {help}");
        }
    }
}
