//! Copies the production files that threads share, their primitives replaced by loom's, and some of them once more with
//! a fault planted, to prove that a model finds it.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// What is copied, by its path under `engine/`, and under which name.
const SHARED: [(&str, &str); 18] = [
    ("mesh/src/blame.rs", "blame.rs"),
    ("mesh/src/hash.rs", "hash.rs"),
    ("mesh/src/method.rs", "method.rs"),
    ("mesh/src/outcome.rs", "outcome.rs"),
    ("mesh/src/random.rs", "random.rs"),
    ("mesh/src/reason.rs", "reason.rs"),
    ("mesh/src/spiffe.rs", "spiffe.rs"),
    ("mesh/src/status.rs", "status.rs"),
    ("mesh/src/ticks.rs", "ticks.rs"),
    ("mesh/src/balance/endpoint.rs", "endpoint.rs"),
    ("mesh/src/balance/ewma.rs", "ewma.rs"),
    ("mesh/src/balance/load.rs", "load.rs"),
    ("mesh/src/balance/peers.rs", "peers.rs"),
    ("mesh/src/resilience/accrual.rs", "accrual.rs"),
    ("mesh/src/resilience/breaker.rs", "breaker.rs"),
    ("mesh/src/resilience/budget.rs", "budget.rs"),
    ("proxy/src/io/shared.rs", "shared.rs"),
    ("proxy/src/engine.rs", "engine.rs"),
];

/// Their words for what loom and the stand-ins take the place of.
const REPLACED: [(&str, &str); 6] = [
    ("std::sync::", "crate::sync::"),
    ("use mio::", "use crate::face::mio::"),
    ("use arc_swap::", "use crate::face::arc_swap::"),
    ("use prost::", "use crate::face::prost::"),
    ("tulle_mesh::", "crate::face::tulle_mesh::"),
    ("#[cfg(test)]", "#[cfg(any())]"),
];

/// A planted fault: the file, what stands in it, what is put there, the copy's name.
const FAULTS: [(&str, &str, &str, &str); 5] = [
    (
        "accrual.rs",
        "let taken = self.word.compare_exchange(before, probe, Relaxed, Relaxed);\n        taken.is_ok().then_some(Ticket(probe))",
        "self.word.store(probe, Relaxed);\n        Some(Ticket(probe))",
        "faulty_accrual.rs",
    ),
    (
        "breaker.rs",
        "if held.fetch_add(1, Relaxed) < value {\n            return Ok(());\n        }\n        held.fetch_sub(1, Relaxed);",
        "if held.load(Relaxed) < value {\n            held.fetch_add(1, Relaxed);\n            return Ok(());\n        }",
        "faulty_breaker.rs",
    ),
    (
        "shared.rs",
        "self.snapshot.store(Some(snapshot));\n        self.generation.fetch_add(1, crate::sync::atomic::Ordering::Release);",
        "self.generation.fetch_add(1, crate::sync::atomic::Ordering::Release);\n        self.snapshot.store(Some(snapshot));",
        "faulty_publish.rs",
    ),
    (
        "shared.rs",
        "locked(&self.inbox).push(command);\n        self.waker.wake()",
        "let woken = self.waker.wake();\n        locked(&self.inbox).push(command);\n        woken",
        "faulty_inbox.rs",
    ),
    (
        "shared.rs",
        "self.open.fetch_add(1, Relaxed) < self.limit_of(purpose)",
        "self.open.load(Relaxed) < self.limit_of(purpose) && { self.open.fetch_add(1, Relaxed); true }",
        "faulty_descriptors.rs",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = env::var("OUT_DIR")?;
    for (from, name) in SHARED {
        let path = engine.join(from);
        println!("cargo:rerun-if-changed={}", path.display());
        fs::write(Path::new(&out).join(name), loomed(&fs::read_to_string(&path)?))?;
    }
    for (file, before, after, name) in FAULTS {
        let text = fs::read_to_string(Path::new(&out).join(file))?;
        if !text.contains(before) {
            return Err(
                format!("{file} has changed: {before:?} is no longer in it; plant the fault of {name} anew").into()
            );
        }
        fs::write(Path::new(&out).join(name), text.replace(before, after))?;
    }
    Ok(())
}

/// The text over loom's primitives; a file's own heading cannot stand in the middle of another.
fn loomed(text: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("//!")).collect();
    REPLACED.iter().fold(kept.join("\n"), |text, (before, after)| text.replace(before, after))
}
