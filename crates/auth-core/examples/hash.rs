//! Hashes the password in the first line of stdin, or verifies it against the hash in the second.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this is a command-line program")]
use std::process::ExitCode;

use auth_core::{VerifyPasswordError, hash_password, needs_rehash, verify_password};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let input = std::io::read_to_string(std::io::stdin())?;
    let mut lines = input.lines();
    let password = lines.next().unwrap_or_default();
    let Some(stored) = lines.next() else {
        println!("{}", hash_password(password)?);
        return Ok(ExitCode::SUCCESS);
    };
    match verify_password(password, stored) {
        Ok(()) => println!("the password matches"),
        Err(VerifyPasswordError::Mismatch) => {
            println!("the password does not match");
            return Ok(ExitCode::from(1));
        }
        Err(VerifyPasswordError::InvalidHash(error)) => {
            eprintln!("the stored hash cannot be used: {error}");
            return Ok(ExitCode::from(2));
        }
    }
    if needs_rehash(password, stored) {
        println!("replace the stored hash with: {}", hash_password(password)?);
    }
    Ok(ExitCode::SUCCESS)
}
