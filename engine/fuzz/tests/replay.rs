//! Every committed input goes through its target, without a fuzzer: a crash that was found once stays found.

use std::fs;
use std::path::{Path, PathBuf};

use tulle_fuzz::TARGETS;

fn files(folder: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files
}

fn replay(folder: &str) {
    for (name, body) in TARGETS {
        for file in files(folder, name) {
            // Told only where it fails: the test's output is captured.
            println!("{}", file.display());
            body(&fs::read(&file).expect("a readable file"));
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_takes_all_of_it() {
    for (name, _) in TARGETS {
        assert!(!files("corpus", name).is_empty(), "{name} has no corpus");
    }
    replay("corpus");
}

#[test]
fn what_crashed_once_does_not_again() {
    replay("regressions");
}

#[test]
fn nothing_at_all_is_taken_by_every_target() {
    for (_, body) in TARGETS {
        body(b"");
    }
}

#[test]
fn the_corpus_is_small() {
    let bytes = |folder: &str| -> u64 {
        let all = TARGETS.iter().flat_map(|(name, _)| files(folder, name));
        all.map(|file| fs::metadata(file).expect("a file").len()).sum()
    };
    let total = bytes("corpus") + bytes("regressions");
    assert!(total < 300 * 1024, "{total} bytes: minimise with `cargo fuzz cmin`");
}
