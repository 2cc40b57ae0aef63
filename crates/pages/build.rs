//! Rebuilds the crate if the built pages have changed.

use std::path::Path;

fn main() {
    // Cargo runs a build script again each time if its input does not exist.
    let input = if Path::new("dist").exists() { "dist" } else { "." };
    println!("cargo::rerun-if-changed={input}");
}
