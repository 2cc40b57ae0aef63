//! The page: `crates/web/index.html` with its references replaced by final names.
//!
//! The template refers to what it needs as it lies beside it: `styles/NAME.css` (all are
//! bundled into one, in the order of their links), `static/FILE`, and `boot.js`, which is
//! made here. What nothing refers to is not shipped. `{{…}}` is the server's to fill in.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::assets::{Assets, DIRECTORY};
use super::glue::{self, Glue};
use super::styles;

/// The page and its assets, from the sources of the SPA and what wasm-bindgen made of it.
pub(super) fn assemble(source: &Path, bound: &Path) -> Result<(String, Assets)> {
    let template = read(&source.join("index.html"))?;
    let mut assets = Assets::default();
    let glue = glue::add(&mut assets, bound)?;
    let mut page = Page { source, assets, glue, styles_done: false };
    let html = page.render(&without_comments(&template)).context("in index.html")?;
    Ok((html, page.assets))
}

struct Page<'a> {
    source: &'a Path,
    assets: Assets,
    glue: Glue,
    /// The bundle is linked where the first of its parts was.
    styles_done: bool,
}

impl Page<'_> {
    fn render(&mut self, template: &str) -> Result<String> {
        let styles = self.styles(template)?;
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, tag, after)) = next_tag(rest) {
            out.push_str(before);
            out.push_str(&self.rewritten(tag, &styles)?);
            rest = after;
        }
        out.push_str(rest);
        if !out.contains(&self.glue.boot) {
            bail!("it does not load boot.js, so nothing would start the application");
        }
        let lines = out.lines().filter(|line| !line.trim().is_empty());
        Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
    }

    /// Bundles the linked stylesheets and returns the bundle's name.
    fn styles(&mut self, template: &str) -> Result<String> {
        let mut sheets = Vec::new();
        let mut rest = template;
        while let Some((_, tag, after)) = next_tag(rest) {
            if let Some(name) = reference(tag).filter(|name| name.starts_with("styles/")) {
                sheets.push((name.to_owned(), read(&self.source.join(name))?));
            }
            rest = after;
        }
        let css = styles::bundle(&sheets, |file| add_file(&mut self.assets, self.source, file))?;
        Ok(self.assets.add("app.css", css))
    }

    fn rewritten(&mut self, tag: &str, styles: &str) -> Result<String> {
        refuse_inline_code(tag)?;
        let Some(target) = reference(tag) else { return Ok(tag.to_owned()) };
        let to = |name: &str| tag.replace(&format!("\"{target}\""), &format!("\"{}\"", url(name)));
        if target == "boot.js" {
            return Ok(self.preloads() + &to(&self.glue.boot));
        }
        if target.starts_with("styles/") {
            let first = !std::mem::replace(&mut self.styles_done, true);
            return Ok(if first { to(styles) } else { String::new() });
        }
        if target.starts_with("static/") {
            return Ok(to(&add_file(&mut self.assets, self.source, target)?));
        }
        if target.starts_with(['/', '#']) || target.starts_with("{{") || tag.starts_with("<a ") {
            return Ok(tag.to_owned());
        }
        bail!("`{target}` is neither boot.js nor below styles/ or static/");
    }

    /// Starts all downloads at once, instead of each when the one before asks for it.
    fn preloads(&self) -> String {
        let mut links = String::new();
        for name in &self.glue.modules {
            links += &format!("<link rel=\"modulepreload\" href=\"{}\">\n    ", url(name));
        }
        let wasm = url(&self.glue.wasm);
        let kind = "as=\"fetch\" type=\"application/wasm\" crossorigin";
        links + &format!("<link rel=\"preload\" href=\"{wasm}\" {kind}>\n    ")
    }
}

fn url(name: &str) -> String {
    format!("/{DIRECTORY}/{name}")
}

fn add_file(assets: &mut Assets, source: &Path, file: &str) -> Result<String> {
    let path = source.join(file);
    let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = file.rsplit('/').next().unwrap_or(file);
    Ok(assets.add(name, content))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The Content-Security-Policy lets no inline code run; better told now than by a browser.
fn refuse_inline_code(tag: &str) -> Result<()> {
    let script = tag.starts_with("<script") && reference(tag).is_none();
    let handler =
        tag.split_whitespace().skip(1).any(|word| word.starts_with("on") && word.contains('='));
    if script || handler || tag.starts_with("<style") || tag.contains(" style=") {
        bail!("the page must have no inline script or style: {tag}");
    }
    Ok(())
}

/// What precedes the next tag, the tag, and what follows it.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let start = html.find('<')?;
    let end = start + html[start..].find('>')? + 1;
    Some((&html[..start], &html[start..end], &html[end..]))
}

/// The file a tag refers to.
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
