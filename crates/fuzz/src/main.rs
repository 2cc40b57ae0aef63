//! Runs a fuzz target.
//!
//! If compiled for fuzzing, this program runs libFuzzer with the target that the environment
//! variable `FUZZ_TARGET` names. Otherwise it runs a target on files:
//! `cargo run -p fuzz -- email FILE…`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: std::sync::LazyLock<&fuzz::Target> = std::sync::LazyLock::new(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = fuzz::Target::named(&name);
        assert!(target.is_some(), "FUZZ_TARGET does not name a target: {name:?}");
        target.unwrap_or(&fuzz::TARGETS[0])
    });
    TARGET.run(input);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or_default();
    match name.to_str().and_then(fuzz::Target::named) {
        Some(target) => replay(target, args),
        None => {
            let names: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            fail(&format!("unknown target {name:?}: use one of {}", names.join(", ")))
        }
    }
}

#[cfg(not(fuzzing))]
fn replay(
    target: &fuzz::Target,
    paths: impl Iterator<Item = std::ffi::OsString>,
) -> std::process::ExitCode {
    for path in paths {
        match std::fs::read(&path) {
            Ok(input) => target.run(&input),
            Err(error) => return fail(&format!("{}: {error}", path.display())),
        }
    }
    std::process::ExitCode::SUCCESS
}

#[cfg(not(fuzzing))]
#[expect(clippy::print_stderr, reason = "this is a command-line program")]
fn fail(text: &str) -> std::process::ExitCode {
    eprintln!("error: {text}");
    std::process::ExitCode::FAILURE
}
