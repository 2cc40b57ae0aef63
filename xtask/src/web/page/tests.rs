use super::*;

const BOOT_TAG: &str = "<script\n  type=\"module\"\n  src=\"boot.js\"></script>";

/// Builds an SPA whose template has this head. Returns its page and its assets.
fn assemble_head(head: &str) -> Result<(String, Assets)> {
    assemble_template(&format!("{head}{BOOT_TAG}"))
}

fn assemble_template(template: &str) -> Result<(String, Assets)> {
    assemble_for(template, OpenPages::Stay)
}

fn assemble_for(template: &str, open_pages: OpenPages) -> Result<(String, Assets)> {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("source/index.html", template),
        ("source/boot.js", "import init from \"./web.js\";"),
        ("source/styles/tokens.css", ":root{--ink:#111}"),
        ("source/styles/base.css", "body{background:url(../static/dots.svg)}"),
        ("source/static/favicon.svg", "<svg/>"),
        ("source/static/dots.svg", "<svg>dots</svg>"),
        ("source/static/unused.svg", "<svg>unused</svg>"),
        ("bound/web.js", "import { f } from './snippets/dep-1/inline0.js';"),
        ("bound/web_bg.wasm", "wasm"),
        ("bound/snippets/dep-1/inline0.js", "export function f() {}"),
    ] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    assemble(&root.path().join("source"), &root.path().join("bound"), open_pages)
}

#[test]
fn stylesheets_are_bundled_in_the_order_of_their_links() {
    let (page, assets) = assemble_head(
        "<link rel=\"stylesheet\" href=\"styles/tokens.css\">\n\
         <link rel=\"stylesheet\" href=\"styles/base.css\">\n",
    )
    .unwrap();
    assert_eq!(page.matches("stylesheet").count(), 1);
    let css = assets.text("app.css");
    assert!(css.starts_with(":root{--ink:#111}\nbody{background:url(\"static/dots.svg"), "{css}");
    assert_eq!(assets.text("static/dots.svg"), "<svg>dots</svg>");
}

#[test]
fn all_references_point_to_the_directory_of_the_build() {
    let head = "<link rel=\"icon\" href=\"static/favicon.svg\">\
                <link rel=\"stylesheet\" href=\"styles/tokens.css\">";
    let (page, assets) = assemble_head(head).unwrap();
    let base = format!("/assets/{}", assets.build_hash());
    for file in [
        "static/favicon.svg",
        "app.css",
        "boot.js",
        "web.js",
        "web_bg.wasm",
        "snippets/dep-1/inline0.js",
    ] {
        assert!(page.contains(&format!("\"{base}/{file}\"")), "{file}: {page}");
    }
    assert!(assets.paths().all(|path| path != "static/unused.svg"));
}

#[test]
fn the_boot_module_is_preceded_by_preloads_of_its_imports() {
    let (page, _) = assemble_head("").unwrap();
    let (before, _) = page.split_once("<script").unwrap();
    assert_eq!(before.matches("rel=\"modulepreload\"").count(), 2, "{page}");
    assert!(before.contains("as=\"fetch\" type=\"application/wasm\" crossorigin"), "{page}");
}

#[test]
fn links_and_placeholders_are_not_changed() {
    let (page, _) = assemble_head(
        "<!-- a note --><meta content=\"{{CONFIG}}\">\n<a href=\"/login\">Log in</a>",
    )
    .unwrap();
    assert!(page.starts_with("<meta content=\"{{CONFIG}}\">\n"), "{page}");
    assert!(page.contains("<a href=\"/login\">Log in</a>"), "{page}");
}

#[test]
fn inline_code_and_unknown_references_are_rejected() {
    for template in [
        "<script>alert(1)</script>",
        "<style>a{}</style>",
        "<p style=\"color:red\">",
        "<body onload=\"start()\">",
        "<script src=\"https://example.com/x.js\"></script>",
        "<link rel=\"icon\" href=\"favicon.svg\">",
        "<link rel=\"icon\" href=\"static/missing.svg\">",
    ] {
        assert!(assemble_head(template).is_err(), "{template}");
    }
}

#[test]
fn a_page_without_the_boot_module_is_rejected() {
    assert!(assemble_template("<title>Latchkey</title>").is_err());
}

#[test]
fn only_a_watched_page_reloads() {
    let (page, _) = assemble_head("").unwrap();
    assert!(!page.contains("reload.js"), "{page}");
    let (page, assets) = assemble_for(BOOT_TAG, OpenPages::Reload).unwrap();
    let base = format!("/assets/{}", assets.build_hash());
    let tag = format!("<script type=\"module\" src=\"{base}/reload.js\"></script>");
    assert!(page.contains(&tag), "{page}");
    assert!(assets.text("reload.js").contains("location.reload()"));
}
