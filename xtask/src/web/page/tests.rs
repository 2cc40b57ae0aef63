use tempfile::TempDir;

use super::*;

const BOOT: &str = "<script\n  type=\"module\"\n  src=\"boot.js\"></script>";

/// The page of an SPA with this in its head, and the assets.
fn assembled(head: &str) -> Result<(String, Assets)> {
    assembled_whole(&format!("{head}{BOOT}"))
}

fn assembled_whole(template: &str) -> Result<(String, Assets)> {
    let source = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("index.html", template),
        ("styles/tokens.css", ":root{--ink:#111}"),
        ("styles/base.css", "body{background:url(../static/dots.svg)}"),
        ("static/favicon.svg", "<svg/>"),
        ("static/dots.svg", "<svg>dots</svg>"),
    ] {
        write(&source, name, content);
    }
    glue::write_samples(&source.path().join("bound"));
    assemble(source.path(), &source.path().join("bound"))
}

fn write(directory: &TempDir, name: &str, content: &str) {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The asset in a page whose name starts and ends like this.
fn asset<'a>(page: &'a str, stem: &str, extension: &str) -> &'a str {
    let start = page.find(&format!("/assets/{stem}-")).unwrap() + "/assets/".len();
    let name = page[start..].split('"').next().unwrap();
    assert!(name.ends_with(extension), "{name}");
    assert_eq!(name.len(), stem.len() + 1 + 16 + extension.len(), "{name}");
    name
}

#[test]
fn stylesheets_become_one_in_the_order_of_their_links() {
    let (page, assets) = assembled(
        "<link rel=\"stylesheet\" href=\"styles/tokens.css\">\n\
         <link rel=\"stylesheet\" href=\"styles/base.css\">\n",
    )
    .unwrap();
    assert_eq!(page.matches("stylesheet").count(), 1);
    let css = assets.text(asset(&page, "app", ".css"));
    assert!(css.starts_with(":root{--ink:#111}\nbody{background:url(\"dots-"), "{css}");
}

#[test]
fn the_boot_module_is_preceded_by_what_it_will_ask_for() {
    let (page, assets) = assembled("").unwrap();
    let wasm = page.split("rel=\"preload\" href=\"/assets/").nth(1).unwrap();
    let wasm = wasm.split('"').next().unwrap();
    let boot = assets.text(asset(&page, "boot", ".js"));
    assert!(boot.contains(wasm), "{boot}");
    assert!(!page.contains("entrance"), "what is for later is not preloaded");
    assert!(page.contains("as=\"fetch\" type=\"application/wasm\" crossorigin"));
}

#[test]
fn static_files_are_renamed_and_the_servers_placeholders_stay() {
    let (page, assets) = assembled(
        "<!-- for us alone --><meta content=\"{{CONFIG}}\">\n\
         <link rel=\"icon\" href=\"static/favicon.svg\"><a href=\"/login\">Log in</a>",
    )
    .unwrap();
    assert_eq!(assets.text(asset(&page, "favicon", ".svg")), "<svg/>");
    assert!(page.starts_with("<meta content=\"{{CONFIG}}\">\n"), "{page}");
    assert!(page.contains("<a href=\"/login\">Log in</a>"), "{page}");
}

#[test]
fn what_the_policy_would_block_is_refused() {
    for template in [
        "<script>alert(1)</script>",
        "<style>a{}</style>",
        "<p style=\"color:red\">",
        "<body onload=\"start()\">",
        "<script src=\"https://example.com/x.js\"></script>",
        "<link rel=\"icon\" href=\"favicon.svg\">",
        "<link rel=\"icon\" href=\"static/gone.svg\">",
    ] {
        assert!(assembled(template).is_err(), "{template}");
    }
}

#[test]
fn a_page_that_starts_nothing_is_refused() {
    assert!(assembled_whole("<title>Latchkey</title>").is_err());
}
