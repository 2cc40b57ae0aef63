//! Hashes the password on stdin, or compares it with the hash that is given.
#![expect(clippy::print_stdout, reason = "it is a command")]
use auth_core::{hash_password, needs_rehash, verify_password};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    let Some(stored) = std::env::args().nth(1) else {
        println!("{}", hash_password(password)?);
        return Ok(());
    };
    verify_password(password, &stored)?;
    println!("it is the password");
    if needs_rehash(&stored) {
        println!("store this from now on: {}", hash_password(password)?);
    }
    Ok(())
}
