//! The frame of every page: landmarks, navigation, focus, colours.

use serde_json::json;

use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{PASSWORD, Visitor, visit};

const SIGNED_OUT: [&str; 4] = ["/", "/login", "/signup", "/nothing"];
const SIGNED_IN: [&str; 4] = ["/", "/private", "/settings", "/nothing"];

/// Checks the landmarks, the language and the resources of a page. Returns its title.
async fn check_frame(ada: &Visitor, path: &str) -> String {
    ada.open(path).await;
    ada.heading().await;
    for selector in ["main", "h1"] {
        assert_eq!(
            ada.script(&format!("document.querySelectorAll('{selector}').length")).await,
            1,
            "{path}"
        );
    }
    assert!(ada.script("document.querySelectorAll('nav').length").await.as_u64() > Some(0));
    assert_eq!(ada.script("document.documentElement.lang").await, "en");
    let inline = "[...document.querySelectorAll('*')].filter(element =>
        element.matches('script:not([src]), style')
        || element.getAttributeNames().some(name => name === 'style' || name.startsWith('on'))
    ).length";
    assert_eq!(ada.script(inline).await, 0, "{path}");
    let origins = "performance.getEntriesByType('resource').filter(r => !r.name.startsWith(location.origin)).length";
    assert_eq!(ada.script(origins).await, 0, "{path}");
    ada.browser.client.title().await.unwrap()
}

#[tokio::test]
async fn every_page_has_one_main_one_heading_and_a_unique_title() {
    visit(async |ada| {
        let mut titles = Vec::new();
        for path in SIGNED_OUT {
            titles.push(check_frame(ada, path).await);
        }
        ada.logs_in().await;
        for path in ["/private", "/settings"] {
            titles.push(check_frame(ada, path).await);
        }
        assert!(titles.iter().all(|title| title.contains("Latchkey")), "{titles:?}");
        titles.sort();
        let all = titles.len();
        titles.dedup();
        assert_eq!(titles.len(), all, "{titles:?}");
    })
    .await;
}

#[tokio::test]
async fn the_navigation_depends_on_the_session() {
    visit(async |ada| {
        let link =
            |path: &str| format!("document.querySelectorAll('nav a[href=\"{path}\"]').length > 0");
        for path in SIGNED_OUT {
            ada.open(path).await;
            ada.until(&link("/login")).await;
            ada.until(&link("/signup")).await;
            assert_eq!(ada.script(&link("/private")).await, false, "{path}");
        }
        ada.logs_in().await;
        for path in SIGNED_IN {
            ada.open(path).await;
            ada.until(&link("/private")).await;
            ada.until(&link("/settings")).await;
            ada.button("Log out").await;
            assert_eq!(ada.script(&link("/login")).await, false, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_page_scrolls_sideways_at_320_pixels_and_the_menu_opens() {
    visit(async |ada| {
        let narrow = json!({"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": true});
        ada.browser.devtools("Emulation.setDeviceMetricsOverride", narrow).await;
        for path in SIGNED_OUT {
            ada.open(path).await;
            ada.heading().await;
            assert_eq!(
                ada.script("document.documentElement.scrollWidth <= 320").await,
                true,
                "{path}"
            );
        }
        ada.logs_in().await;
        assert_eq!(ada.script("document.documentElement.scrollWidth <= 320").await, true);
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        assert_eq!(ada.script("document.documentElement.scrollWidth <= 320").await, true);
        if !ada.button("Log out").await.is_displayed().await.unwrap() {
            ada.presses("Menu").await;
        }
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
    })
    .await;
}

#[tokio::test]
async fn no_page_scrolls_sideways_because_of_a_long_email_address() {
    visit_with_mail(&[], async |ada| {
        let narrow = json!({"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": true});
        ada.browser.devtools("Emulation.setDeviceMetricsOverride", narrow).await;
        let email = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
        ada.server.sign_up(&email, PASSWORD);
        ada.open("/login").await;
        ada.types("email", &email).await;
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.arrives_at("/private").await;
        for path in ["/private", "/verify", "/settings", "/forgot"] {
            ada.open(path).await;
            ada.heading().await;
            if path == "/forgot" {
                ada.types("email", &email).await;
                ada.presses("Send reset link").await;
            }
            ada.until(&format!("document.querySelector('main').innerText.includes('{email}')"))
                .await;
            let is_narrow = ada.script("document.documentElement.scrollWidth <= 320").await;
            assert_eq!(is_narrow, true, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn light_and_dark_follow_the_system_without_a_reload() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let mut seen = Vec::new();
        for scheme in ["light", "dark"] {
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            ada.browser.devtools("Emulation.setEmulatedMedia", media).await;
            seen.push(ada.script("getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color").await);
        }
        assert_ne!(seen[0], seen[1]);
    })
    .await;
}

#[tokio::test]
async fn in_app_navigation_moves_the_focus_without_a_page_load() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        ada.script("(window.same = true)").await;
        for path in ["/login", "/signup"] {
            ada.script(&format!("document.querySelector('nav a[href=\"{path}\"]').click()")).await;
            ada.arrives_at(path).await;
            ada.until("document.querySelector('main').contains(document.activeElement)").await;
        }
        assert_eq!(ada.script("window.same").await, true);
    })
    .await;
}

#[tokio::test]
async fn a_link_to_the_current_page_adds_no_history_entry() {
    visit(async |ada| {
        ada.open("/login?next=%2Fsettings").await;
        ada.heading().await;
        let entries = ada.script("history.length").await;
        ada.follows("/login").await;
        ada.until("document.querySelector('main').contains(document.activeElement)").await;
        assert_eq!(ada.script("history.length").await, entries);
        ada.arrives_at("/login?next=%2Fsettings").await;
    })
    .await;
}

#[tokio::test]
async fn a_navigation_that_the_browser_rejects_leaves_the_page_unchanged() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        ada.script(
            "void (window.uncaught = 0, addEventListener('error', () => window.uncaught += 1),
                window.push = History.prototype.pushState,
                History.prototype.pushState = () => { throw new DOMException('', 'SecurityError') })",
        )
        .await;
        ada.follows("/login").await;
        ada.arrives_at("/").await;
        assert_eq!(ada.script("window.uncaught").await, 0);
        ada.script("void (History.prototype.pushState = window.push)").await;
        ada.follows("/login").await;
        ada.arrives_at("/login").await;
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_fragment_does_not_move_the_focus() {
    visit(async |ada| {
        ada.open("/login").await;
        ada.types("email", "ada@").await;
        let two_frames_later = "const done = arguments[0];
            location.hash = 'elsewhere';
            requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        ada.browser.client.execute_async(two_frames_later, vec![]).await.unwrap();
        assert_eq!(ada.script("location.hash").await, "#elsewhere");
        assert_eq!(ada.script("document.activeElement.name").await, "email");
        assert_eq!(ada.value("email").await, "ada@");
    })
    .await;
}

#[tokio::test]
async fn the_browser_handles_a_link_with_a_modifier_key() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        for (key, is_taken) in
            [("ctrlKey", false), ("metaKey", false), ("shiftKey", false), ("x", true)]
        {
            ada.script(
                "void addEventListener('click', event => {
                    window.isTaken = event.defaultPrevented;
                    event.preventDefault();
                }, { once: true })",
            )
            .await;
            ada.script(&format!(
                "document.querySelector('nav a[href=\"/login\"]').dispatchEvent(new MouseEvent(
                    'click', {{ bubbles: true, cancelable: true, {key}: true }}))"
            ))
            .await;
            assert_eq!(ada.script("window.isTaken").await, is_taken, "{key}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_path_shows_a_404_page_with_a_link_to_the_home_page() {
    visit(async |ada| {
        ada.open("/nothing/at/all").await;
        ada.heading().await;
        let status = "performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(ada.script(status).await, 404);
        ada.script("document.querySelector('main a[href=\"/\"]').click()").await;
        ada.arrives_at("/").await;
    })
    .await;
}
