//! Whatever threads share is in a model, or named here with the reason why it is not.

use std::fs;
use std::path::{Path, PathBuf};

const MODELLED: &str = include_str!("../../build.rs");
const WORDS: [&str; 6] = ["sync::atomic", "Mutex<", "RwLock<", "ArcSwap", "OnceLock<", "mpsc::"];
/// Files that share something and stand in no model.
const BESIDE: [(&str, &str); 8] = [
    ("mesh/src/balance/cluster.rs", "a cursor: one fetch_add, on whose order nothing hangs"),
    ("proxy/src/application.rs", "which address is dialled: one number, on whose order nothing hangs"),
    ("proxy/src/identity/generation.rs", "a cache behind one lock, under which no other is taken"),
    ("proxy/src/identity.rs", "`pending` is locked before `current` and never the other way, once each"),
    ("proxy/src/io/listen.rs", "`OpenListeners`: one fetch_max, read after the wake that follows it"),
    ("proxy/src/io/poll.rs", "the other end of what `shared.rs` holds"),
    ("proxy/src/io/post.rs", "a connection, out of its lock while it is used, under which nothing waits"),
    ("proxy/src/io/running.rs", "threads' handles, taken once by the one shutdown that `Engine` lets in"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.to_string_lossy().ends_with("_tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn what_threads_share_is_in_a_model_or_named_with_its_reason() {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for room in ["http2", "mesh", "proxy", "python"] {
        sources(&engine.join(room).join("src"), &mut files);
    }
    let shares = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source");
        WORDS.iter().any(|word| text.contains(word))
    };
    let sharing: Vec<String> = files
        .iter()
        .filter(|path| shares(path))
        .map(|path| path.strip_prefix(&engine).expect("below the engine").to_string_lossy().into_owned())
        .collect();
    let known =
        |file: &str| MODELLED.contains(&format!("\"{file}\"")) || BESIDE.iter().any(|(other, _)| *other == file);
    let unknown: Vec<&String> = sharing.iter().filter(|file| !known(file)).collect();
    assert!(unknown.is_empty(), "threads share what no model explores: {unknown:?}");
    let gone: Vec<_> = BESIDE.iter().filter(|(file, _)| !sharing.iter().any(|other| other == file)).collect();
    assert!(gone.is_empty(), "shares nothing any more: {gone:?}");
}
