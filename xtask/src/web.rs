//! The SPA: compiled to WebAssembly, bound to JavaScript, and laid out for the server in
//! `target/web` as one page and assets that are named after their content.

mod assets;
mod glue;
mod page;
mod shorten;
pub(crate) mod size;
mod styles;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{cargo, run, step};
use crate::setup;
use crate::workspace::{self, WASM};

/// Builds the SPA into [`workspace::web_dist`].
pub(crate) fn build() -> Result<()> {
    setup::wasm_target()?;
    step("building the SPA", || {
        let bound = split(&compile()?)?;
        bind(&bound)?;
        let source = workspace::root().join("crates/web");
        let (page, assets) = page::assemble(&source, &bound)?;
        assets.publish(&workspace::web_dist(), &page)
    })
}

/// The linker leaves a note of every reference in the module, by which it is cut.
fn compile() -> Result<PathBuf> {
    let args = ["--package", "web", "--bin", "web", "--profile", "spa", "--target", WASM];
    run(cargo(["rustc"]).args(args).args(["--", "-Clink-arg=--emit-relocs"]))?;
    Ok(workspace::target_dir()?.join(WASM).join("spa/web.wasm"))
}

/// Cuts off what is downloaded only when it is needed: see `wasm_split` in the sources.
fn split(wasm: &Path) -> Result<PathBuf> {
    let out = fresh(wasm.with_file_name("split"))?;
    let module = fs::read(wasm)?;
    let main = out.join("web.wasm");
    let mut options = wasm_split_cli_support::Options::new(&module);
    options.output_dir = &out;
    options.main_out_path = &main;
    options.main_module = "./web.js";
    options.link_name = glue::LOADER;
    wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("{} cannot be cut: {error:#}", wasm.display()))?;
    Ok(out)
}

/// Runs wasm-bindgen, and puts what it makes beside what was cut off. As a library it has the
/// version that `Cargo.lock` gives the crate, so the two always match and nothing has to be
/// installed.
fn bind(parts: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(parts.join("web.wasm"))
        .web(true)?
        .typescript(false)
        // The wasm is named after its content: the boot module says where it is.
        .omit_default_module_path(true)
        // The table of functions, by which the parts call each other, is among them.
        .keep_lld_exports(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(parts)
        .with_context(|| format!("wasm-bindgen does not take {}", parts.display()))
}

/// An empty directory.
fn fresh(directory: PathBuf) -> Result<PathBuf> {
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}
