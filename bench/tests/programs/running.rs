//! Programs that run for one test, and what the load generator says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) const LOADGEN: &str = env!("CARGO_BIN_EXE_tulle-loadgen");
pub(crate) const BACKEND: &str = env!("CARGO_BIN_EXE_tulle-backend");
pub(crate) const L4: &str = env!("CARGO_BIN_EXE_tulle-l4");

/// A program that listens, until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
}

/// What the load generator counted.
pub(crate) struct Counted(Value);

// === impl Running ===

impl Running {
    /// Starts a program on a free port and waits for its line.
    pub(crate) fn start(program: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--die-with-parent", "true"]).args(flags);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, address: ready["address"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn backend() -> Self {
        Self::start(BACKEND, &[])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The load generator's whole run.
pub(crate) fn output(flags: &[&str]) -> Output {
    Command::new(LOADGEN).args(flags).output().unwrap()
}

/// Calls against `target`; `flags` are words in one line.
pub(crate) fn load(target: &str, flags: &str) -> Counted {
    let always = ["--target", target, "--authority", "echo.bench"];
    let given: Vec<&str> = always.into_iter().chain(flags.split_whitespace()).collect();
    let output = output(&given);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Counted(serde_json::from_slice(&output.stdout).unwrap())
}

// === impl Counted ===

impl Counted {
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    pub(crate) fn micros(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    /// Ok calls of the least and of the most served connection.
    pub(crate) fn by_connection(&self) -> (u64, u64) {
        let spread = &self.0["by_connection"];
        (spread["least"].as_u64().unwrap(), spread["most"].as_u64().unwrap())
    }

    /// Failed calls of a kind.
    pub(crate) fn failures(&self, kind: &str) -> u64 {
        self.0["failures"][kind].as_u64().unwrap_or(0)
    }

    /// All failures are of one kind, and so many.
    pub(crate) fn assert_failed(&self, kind: &str, calls: u64) {
        assert_eq!(self.0["failures"], serde_json::json!({kind: calls}), "{}", self.0);
        assert_eq!(self.number("failed"), calls, "{}", self.0);
    }

    pub(crate) fn assert_all_ok(&self) {
        assert_eq!(self.0["failures"], serde_json::json!({}), "{}", self.0);
        assert_eq!(self.number("failed"), 0, "{}", self.0);
        assert!(self.number("ok") > 0, "{}", self.0);
    }
}
