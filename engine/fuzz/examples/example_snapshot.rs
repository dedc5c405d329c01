//! Writes a good snapshot to standard output, for the snapshot target's corpus to begin with.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(&tulle_fuzz::snapshot::example())
}
