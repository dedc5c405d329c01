//! What the pair target makes of a file: `cargo run --example explain FILE`.

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| std::io::Error::other("usage: explain FILE"))?;
    println!("{}", tulle_fuzz::pair::explain(&std::fs::read(path)?));
    Ok(())
}
