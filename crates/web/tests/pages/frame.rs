use yew_session::{ApiError, Session};

use crate::html::{ada, nav, tag, visit};

fn paths() -> impl Iterator<Item = &'static str> {
    api_types::PAGES.into_iter().map(|page| page.path).chain(["/nowhere"])
}

fn sessions() -> [Session; 5] {
    [
        Session::Loading,
        Session::Unconfirmed(ApiError::Unreachable),
        Session::SignedOut,
        Session::SignedIn(ada()),
        Session::Ending,
    ]
}

#[test]
fn every_page_has_one_main_one_nav_and_one_skip_link() {
    for (path, session) in paths().flat_map(|path| sessions().map(|it| (path, it))) {
        let html = visit(path, session);
        for part in ["<main id=\"main\" tabindex=\"-1\"", "<nav ", "href=\"#main\""] {
            assert_eq!(html.matches(part).count(), 1, "{path}: {part}");
        }
    }
}

#[test]
fn every_page_has_one_focusable_heading() {
    for path in ["/", "/signup", "/login", "/nowhere"] {
        let html = visit(path, Session::SignedOut);
        assert_eq!(html.matches("<h1 ").count(), 1, "{path}");
        assert!(tag(&html, "<h1 ").contains("tabindex=\"-1\""), "{path}");
    }
}

#[test]
fn the_nav_links_to_log_in_and_sign_up_when_signed_out() {
    for path in ["/", "/signup", "/login", "/nowhere"] {
        let html = visit(path, Session::SignedOut);
        let nav = nav(&html);
        assert!(nav.contains("href=\"/login\"") && nav.contains("href=\"/signup\""), "{path}");
        for item in ["Log out", "/private", "/settings"] {
            assert!(!nav.contains(item), "{path}: {item}");
        }
    }
}

#[test]
fn the_nav_links_to_the_account_and_has_log_out_when_signed_in() {
    for path in ["/", "/private", "/settings", "/nowhere"] {
        let html = visit(path, Session::SignedIn(ada()));
        let nav = nav(&html);
        let items = ["href=\"/private\"", "href=\"/settings\"", ">Log out</button>"];
        let at = items.map(|item| nav.find(item).unwrap_or_else(|| panic!("{path}: no {item}")));
        assert!(at.is_sorted(), "{path}: {at:?}");
        assert!(!nav.contains("/login") && !nav.contains("/signup"), "{path}");
    }
}

#[test]
fn log_out_is_available_while_the_server_does_not_answer() {
    for session in [Session::Loading, Session::Unconfirmed(ApiError::Unreachable)] {
        assert!(nav(&visit("/private", session)).contains(">Log out</button>"));
    }
}

#[test]
fn a_pending_log_out_cannot_be_repeated() {
    let html = visit("/", Session::Ending);
    let button = tag(nav(&html), "aria-busy");
    assert!(button.contains("disabled") && button.contains("aria-busy=\"true\""), "{button}");
    assert!(html.contains(">Logging out…</button>"));
}

#[test]
fn the_nav_marks_the_current_page_only() {
    for (path, marked) in [("/login", "/login"), ("/signup/", "/signup"), ("/", "/")] {
        let html = visit(path, Session::SignedOut);
        assert_eq!(html.matches("aria-current").count(), 1, "{path}");
        let link = tag(&html, "aria-current=\"page\"");
        assert!(link.contains(&format!("href=\"{marked}\"")), "{link}");
    }
    let html = visit("/settings", Session::SignedIn(ada()));
    assert_eq!(html.matches("aria-current").count(), 1);
    assert!(tag(&html, "aria-current=\"page\"").contains("href=\"/settings\""));
    assert!(!visit("/nowhere", Session::SignedOut).contains("aria-current"));
}

#[test]
fn the_menu_is_closed_at_first_and_refers_to_its_list() {
    let html = visit("/", Session::SignedOut);
    let menu = tag(&html, "aria-expanded");
    assert!(menu.contains("aria-expanded=\"false\"") && menu.contains("type=\"button\""));
    assert!(menu.contains("aria-controls=\"nav-links\"") && html.contains("id=\"nav-links\""));
}
