//! The SPA: compiled to WebAssembly, bound to JavaScript, and laid out for the server in
//! `target/web` as one page and assets that are named after their content.

mod assets;
mod glue;
mod page;
pub(crate) mod size;
mod styles;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{cargo, run, step};
use crate::setup;
use crate::workspace::{self, WASM};

/// Builds the SPA into [`workspace::web_dist`].
pub(crate) fn build() -> Result<()> {
    setup::wasm_target()?;
    step("building the SPA", || {
        let wasm = compile()?;
        let bound = bind(&wasm)?;
        let source = workspace::root().join("crates/web");
        let (page, assets) = page::assemble(&source, &bound)?;
        assets.publish(&workspace::web_dist(), &page)
    })
}

fn compile() -> Result<PathBuf> {
    let args = ["--package", "web", "--profile", "spa", "--target", WASM];
    run(cargo(["build"]).args(args))?;
    Ok(workspace::target_dir()?.join(WASM).join("spa/web.wasm"))
}

/// Runs wasm-bindgen. As a library it has the version that `Cargo.lock` gives the crate,
/// so the two always match and nothing has to be installed.
fn bind(wasm: &Path) -> Result<PathBuf> {
    let out = wasm.with_file_name("bindgen");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        // The wasm is named after its content: the boot module says where it is.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&out)
        .with_context(|| format!("wasm-bindgen does not take {}", wasm.display()))?;
    Ok(out)
}
