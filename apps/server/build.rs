//! Rebuilds the server if the built pages have changed.

fn main() {
    println!("cargo::rerun-if-changed=../../target/web");
}
