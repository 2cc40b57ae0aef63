//! The pages of an app with its own name, logo and home page.

use web::{Site, set_site};
use yew_session::Session;

use crate::html::{ada, main, nav, tag, text, visit};

fn notes() {
    let (name, logo, after_log_in) = ("Notes", Some("/assets/0/logo.svg"), Some("/notes"));
    set_site(Site { name, logo, after_log_in });
}

#[test]
fn the_header_has_the_name_and_the_logo_of_the_app() {
    notes();
    let html = visit("/login", Session::SignedOut);
    let (_, brand) = html.split_once("class=\"brand\"").unwrap();
    let (brand, _) = brand.split_once("</a>").unwrap();
    assert!(brand.ends_with(">Notes"), "{brand}");
    assert_eq!(tag(brand, "<img"), "<img src=\"/assets/0/logo.svg\" alt=\"\" class=\"logo\">");
    assert!(!html.contains("Latchkey") && !html.contains("keyhole-plate\" d=\"M12"), "{html}");
}

#[test]
fn links_lead_to_the_pages_of_the_app() {
    notes();
    let html = visit("/settings", Session::SignedIn(ada()));
    assert!(tag(&html, "class=\"brand\"").contains("href=\"/\""), "{html}");
    assert_eq!(text(nav(&html), "href=\"/notes\""), "Back to Notes");
    assert!(!html.contains("href=\"/private\""), "{html}");
    let missing = visit("/nowhere", Session::SignedOut);
    assert!(main(&missing).contains("<a href=\"/\""), "{missing}");
}

#[test]
fn pages_that_the_app_replaces_do_not_exist() {
    notes();
    for path in ["/", "/private"] {
        let html = visit(path, Session::SignedIn(ada()));
        assert!(main(&html).contains("Page not found"), "{path}: {html}");
        assert!(!html.contains("aria-current"), "{path}: {html}");
    }
}
