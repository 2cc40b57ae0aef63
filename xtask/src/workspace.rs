//! Paths in the workspace.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cargo_metadata::MetadataCommand;

/// The target that the SPA is compiled for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Returns the root of the checkout.
///
/// Cargo sets `CARGO_MANIFEST_DIR` at run time too. Unlike the value at compile time, that value is
/// correct even if several checkouts share a target directory.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), Path::to_path_buf)
}

/// Returns the directory of the built SPA, which is part of the crate `pages`.
pub(crate) fn pages_dist() -> PathBuf {
    root().join("crates/pages/dist")
}

/// Returns Cargo's target directory.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = metadata_command().no_deps().exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Returns a `cargo metadata` command for this workspace.
pub(crate) fn metadata_command() -> MetadataCommand {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command
}

/// Returns the path of the server binary in the directory of a profile: `debug` or `release`.
pub(crate) fn server_binary(profile_dir: &str) -> Result<PathBuf> {
    let name = format!("latchkey{}", env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join(profile_dir).join(name))
}
