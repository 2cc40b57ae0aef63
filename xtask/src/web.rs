//! Builds the SPA: compiles it to WebAssembly, runs wasm-bindgen, and writes the result to
//! `crates/pages/dist`, which the crate `pages` embeds. The result is one page, and its assets in a
//! directory named after the build.

mod assets;
mod page;
pub(crate) mod reload;
pub(crate) mod size;
mod styles;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

use self::reload::OpenPages;
use crate::process::{cargo, run, step};
use crate::setup;
use crate::workspace::{self, WASM};

/// Builds the SPA into [`workspace::pages_dist`].
pub(crate) fn build(open_pages: OpenPages) -> Result<()> {
    setup::wasm_target()?;
    step("building the SPA", || {
        let bound = bind(&compile()?)?;
        let source = workspace::root().join("crates/web");
        let (page, assets) = page::assemble(&source, &bound, open_pages)?;
        assets.publish(&workspace::pages_dist(), &page)
    })
}

/// Compiles the SPA to WebAssembly and returns the path of the module.
fn compile() -> Result<PathBuf> {
    let args = ["--package", "web", "--bin", "web", "--profile", "spa", "--target", WASM];
    run(cargo(["build"]).args(args))?;
    Ok(workspace::target_dir()?.join(WASM).join("spa/web.wasm"))
}

/// Builds the example of the crate `yew-session`, and returns the directory with its script and its
/// module.
pub(crate) fn build_yew_example() -> Result<PathBuf> {
    setup::wasm_target()?;
    let args = ["--package", "yew-session", "--example", "hello", "--target", WASM];
    run(cargo(["build"]).args(args))?;
    bind(&workspace::target_dir()?.join(WASM).join("debug/examples/hello.wasm"))
}

/// Runs wasm-bindgen and returns the directory with its output.
///
/// The wasm-bindgen CLI is used as a library, so that nothing has to be installed and `Cargo.lock`
/// keeps its version equal to that of the crate `wasm-bindgen`.
fn bind(wasm: &Path) -> Result<PathBuf> {
    let out = wasm.with_file_name("bound");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        // The script loads the module from its own directory.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&out)
        .with_context(|| format!("wasm-bindgen failed on {}", wasm.display()))?;
    Ok(out)
}
