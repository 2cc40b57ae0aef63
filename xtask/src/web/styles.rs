//! The stylesheets, bundled into one.

use anyhow::{Context as _, Result, bail};

/// Joins stylesheets in the given order. Calls `add_asset` with every file under `static/` that
/// they refer to.
pub(super) fn bundle(
    sheets: &[(String, String)],
    mut add_asset: impl FnMut(&str) -> Result<()>,
) -> Result<String> {
    let mut bundle = String::new();
    for (name, text) in sheets {
        let text = rewrite_urls(text, &mut add_asset).with_context(|| format!("in {name}"))?;
        bundle.push_str(text.trim());
        bundle.push('\n');
    }
    Ok(bundle)
}

/// Rewrites the URLs of files to be relative to the bundle, which is next to `static/`.
fn rewrite_urls(css: &str, add_asset: &mut impl FnMut(&str) -> Result<()>) -> Result<String> {
    if css.contains("@import") {
        bail!("`@import` would cause a second request: link the stylesheet in index.html instead");
    }
    let mut parts = css.split("url(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (url, rest) = part.split_once(')').context("`url(` without a closing `)`")?;
        let url = url.trim().trim_matches(['"', '\'']);
        let url = match url.trim_start_matches("../") {
            file if file.starts_with("static/") => {
                add_asset(file)?;
                file
            }
            _ if url.starts_with('#') => url,
            _ => bail!("url({url}) is not a file under static/"),
        };
        out.push_str(&format!("url(\"{url}\"){rest}"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(sheets: &[(&str, &str)]) -> Result<String> {
        let sheets: Vec<_> =
            sheets.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        bundle(&sheets, |_| Ok(()))
    }

    #[test]
    fn the_order_is_kept() {
        assert_eq!(bundled(&[("a", "a{}\n\n"), ("b", "b{}")]).unwrap(), "a{}\nb{}\n");
    }

    #[test]
    fn urls_of_static_files_are_relative_to_the_bundle() {
        let css = "a{b:url(../static/x.svg) c}d{e:url( 'static/y.svg' )}f{g:url(#h)}";
        assert_eq!(
            bundled(&[("a", css)]).unwrap(),
            "a{b:url(\"static/x.svg\") c}d{e:url(\"static/y.svg\")}f{g:url(\"#h\")}\n"
        );
    }

    #[test]
    fn imports_and_external_urls_are_rejected() {
        for css in ["@import 'b.css';", "a{b:url(https://example.com/x.png)}", "a{b:url(c"] {
            assert!(bundled(&[("a", css)]).is_err(), "{css}");
        }
    }
}
