//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cargo_metadata::MetadataCommand;

/// The target the SPA is compiled for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The root of the checkout. Cargo names the manifest at run time too, which stays right
/// when several checkouts share a target directory.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), Path::to_path_buf)
}

/// Where the built SPA lies. The server looks for it in this one place, so it does not move
/// with `CARGO_TARGET_DIR`.
pub(crate) fn web_dist() -> PathBuf {
    root().join("target/web")
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = metadata_command().no_deps().exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// `cargo metadata` of this workspace.
pub(crate) fn metadata_command() -> MetadataCommand {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command
}

/// The server's binary in a profile's directory: `debug` or `release`.
pub(crate) fn server_binary(profile_dir: &str) -> Result<PathBuf> {
    let name = format!("latchkey{}", env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join(profile_dir).join(name))
}
