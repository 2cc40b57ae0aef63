//! Builds the page from the template `crates/web/index.html`.
//!
//! References in the template are replaced by references to the assets of the build. The template
//! may refer to `styles/NAME.css` (all are bundled into one stylesheet, in the order of their
//! links), `static/FILE` and `boot.js`, by their paths relative to the template. A file that
//! nothing refers to is not shipped. The server fills in the placeholders `{{…}}`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::assets::{Assets, DIRECTORY};
use super::reload::{self, OpenPages};
use super::styles;

const BOOT: &str = "boot.js";
const STYLES: &str = "app.css";

/// The name that wasm-bindgen gives to its script.
const SCRIPT: &str = "web.js";
/// The name that wasm-bindgen gives to the WebAssembly module.
const WASM: &str = "web_bg.wasm";

/// Returns the page and its assets, from the sources of the SPA and the output of wasm-bindgen.
pub(super) fn assemble(
    source: &Path,
    bound: &Path,
    open_pages: OpenPages,
) -> Result<(String, Assets)> {
    let template = without_comments(&read(&source.join("index.html"))?);
    let mut assets = Assets::default();
    add_directory(&mut assets, bound, bound)?;
    let mut sheets = Vec::new();
    for file in references(&template) {
        if file.starts_with("styles/") {
            sheets.push((file.to_owned(), read(&source.join(file))?));
        } else if file.starts_with("static/") || file == BOOT {
            add_file(&mut assets, source, file)?;
        }
    }
    let css = styles::bundle(&sheets, |file| add_file(&mut assets, source, file))?;
    assets.add(STYLES, css);
    if open_pages == OpenPages::Reload {
        assets.add(reload::SCRIPT, reload::SOURCE);
    }
    let html = render(&template, &assets).context("in index.html")?;
    Ok((html, assets))
}

fn render(template: &str, assets: &Assets) -> Result<String> {
    let base = format!("/{DIRECTORY}/{}", assets.build_hash());
    let mut out = String::new();
    let mut rest = template;
    let mut styles_linked = false;
    while let Some((before, tag, after)) = next_tag(rest) {
        out.push_str(before);
        rest = after;
        reject_inline_code(tag)?;
        let Some(target) = reference(tag) else {
            out.push_str(tag);
            continue;
        };
        let link_to = |file| tag.replace(&format!("\"{target}\""), &format!("\"{base}/{file}\""));
        if target == BOOT {
            out.push_str(&preloads(&base, assets));
            if assets.paths().any(|path| path == reload::SCRIPT) {
                let src = format!("{base}/{}", reload::SCRIPT);
                out.push_str(&format!("<script type=\"module\" src=\"{src}\"></script>\n    "));
            }
            out.push_str(&link_to(BOOT));
        } else if target.starts_with("styles/") {
            // The link to the bundle replaces the link to its first part.
            if !styles_linked {
                out.push_str(&link_to(STYLES));
            }
            styles_linked = true;
        } else if target.starts_with("static/") {
            out.push_str(&link_to(target));
        } else if target.starts_with(['/', '#']) || target.starts_with("{{") {
            out.push_str(tag);
        } else {
            bail!("`{target}` must be {BOOT}, or a file in styles/ or static/");
        }
    }
    out.push_str(rest);
    if !out.contains(&format!("{base}/{BOOT}")) {
        bail!("the page does not load {BOOT}, which starts the application");
    }
    let lines = out.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}

/// Returns links that start all downloads at once. Otherwise each download would start only after
/// the file that needs it has loaded.
fn preloads(base: &str, assets: &Assets) -> String {
    let mut links = String::new();
    for script in assets.paths().filter(|path| *path == SCRIPT || path.starts_with("snippets/")) {
        links += &format!("<link rel=\"modulepreload\" href=\"{base}/{script}\">\n    ");
    }
    let kind = "as=\"fetch\" type=\"application/wasm\" crossorigin";
    links + &format!("<link rel=\"preload\" href=\"{base}/{WASM}\" {kind}>\n    ")
}

/// Adds all files in `directory`, by their paths relative to `root`.
fn add_directory(assets: &mut Assets, root: &Path, directory: &Path) -> Result<()> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("{} cannot be read", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            add_directory(assets, root, &path)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            assets.add(name, fs::read(&path)?);
        }
    }
    Ok(())
}

fn add_file(assets: &mut Assets, source: &Path, file: &str) -> Result<()> {
    let path = source.join(file);
    let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    assets.add(file, content);
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Fails if a tag has inline code, which the Content-Security-Policy would block.
fn reject_inline_code(tag: &str) -> Result<()> {
    let script = tag.starts_with("<script") && reference(tag).is_none();
    let handler =
        tag.split_whitespace().skip(1).any(|word| word.starts_with("on") && word.contains('='));
    if script || handler || tag.starts_with("<style") || tag.contains(" style=") {
        bail!("the page must have no inline script or style: {tag}");
    }
    Ok(())
}

/// Returns the files that the tags of a page refer to, in order.
fn references(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, tag, after)) = next_tag(rest) {
        found.extend(reference(tag));
        rest = after;
    }
    found
}

/// Returns the text before the next tag, the tag, and the text after it.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let start = html.find('<')?;
    let end = start + html[start..].find('>')? + 1;
    Some((&html[..start], &html[start..end], &html[end..]))
}

/// Returns the file that a tag refers to, if there is one.
fn reference(tag: &str) -> Option<&str> {
    let value = |attribute| {
        let (before, value) = tag.split_once(attribute)?;
        before.ends_with(char::is_whitespace).then(|| value.split('"').next())?
    };
    value("href=\"").or_else(|| value("src=\""))
}

fn without_comments(html: &str) -> String {
    let mut parts = html.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    let after = |part| str::split_once(part, "-->").map_or("", |(_, after)| after);
    first + &parts.map(after).collect::<String>()
}

#[cfg(test)]
mod tests;
