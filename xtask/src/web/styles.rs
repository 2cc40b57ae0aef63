//! The stylesheets, bundled into one.

use anyhow::{Context as _, Result, bail};

/// Joins stylesheets in the order given. `asset` is asked for the final name of every file
/// under `static/` that they refer to.
pub(super) fn bundle(
    sheets: &[(String, String)],
    mut asset: impl FnMut(&str) -> Result<String>,
) -> Result<String> {
    let mut bundle = String::new();
    for (name, text) in sheets {
        let text = rewritten(text, &mut asset).with_context(|| format!("in {name}"))?;
        bundle.push_str(text.trim());
        bundle.push('\n');
    }
    Ok(bundle)
}

/// The bundle lies beside the other assets, so that a name alone is a valid URL in it.
fn rewritten(css: &str, asset: &mut impl FnMut(&str) -> Result<String>) -> Result<String> {
    if css.contains("@import") {
        bail!("`@import` would be a second request: link the stylesheet in index.html instead");
    }
    let mut parts = css.split("url(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (url, rest) = part.split_once(')').context("`url(` without its `)`")?;
        let url = url.trim().trim_matches(['"', '\'']);
        let url = match url.trim_start_matches("../") {
            file if file.starts_with("static/") => asset(file)?,
            _ if url.starts_with('#') => url.to_owned(),
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
        bundle(&sheets, |file| Ok(file.replace("static/", "hashed-")))
    }

    #[test]
    fn the_order_is_kept() {
        assert_eq!(bundled(&[("a", "a{}\n\n"), ("b", "b{}")]).unwrap(), "a{}\nb{}\n");
    }

    #[test]
    fn static_files_are_renamed() {
        let css = "a{b:url(../static/x.svg) c}d{e:url( 'static/y.svg' )}f{g:url(#h)}";
        assert_eq!(
            bundled(&[("a", css)]).unwrap(),
            "a{b:url(\"hashed-x.svg\") c}d{e:url(\"hashed-y.svg\")}f{g:url(\"#h\")}\n"
        );
    }

    #[test]
    fn what_would_leave_the_bundle_is_refused() {
        for css in ["@import 'b.css';", "a{b:url(https://example.com/x.png)}", "a{b:url(c"] {
            assert!(bundled(&[("a", css)]).is_err(), "{css}");
        }
    }
}
