//! Runs the targets on their committed inputs, without a fuzzer.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn inputs(target: &Target) -> Vec<PathBuf> {
    let directory = fs::read_dir(corpus().join(target.name)).unwrap();
    directory.map(|entry| entry.unwrap().path()).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "the output of a failed test is displayed")]
fn every_target_passes_on_its_inputs() {
    for target in &TARGETS {
        for path in inputs(target) {
            println!("{}", path.display());
            target.run(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_target_has_inputs_and_all_inputs_have_a_target() {
    let directories = fs::read_dir(corpus()).unwrap();
    let directories: BTreeSet<_> =
        directories.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let names = TARGETS.iter().map(|target| target.name.to_owned());
    assert_eq!(directories, names.collect());
    for target in &TARGETS {
        assert!(inputs(target).len() > 2, "{}", target.name);
    }
}
