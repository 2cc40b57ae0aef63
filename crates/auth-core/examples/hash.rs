//! Hashes the password on stdin, or verifies it against the hash in the first argument.
#![expect(clippy::print_stdout, reason = "this is a command-line program")]
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
    println!("the password matches");
    if needs_rehash(password, &stored) {
        println!("replace the stored hash with: {}", hash_password(password)?);
    }
    Ok(())
}
