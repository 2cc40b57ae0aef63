//! Browsers, extensions and defects that make a call fail.

use serde_json::json;

use crate::visitor::{NEW, PASSWORD, Visitor, visit};

/// Throws an exception when the app next changes the title.
const THROW_AT_NEXT_TITLE: &str = "void Object.defineProperty(document, 'title', {
    configurable: true,
    set() { delete document.title; throw new RangeError('a test') },
})";

/// Changes that extensions make to a page. The last one also replaces the navigation.
const CHANGES: [&str; 5] = [
    "(article => {
        const wrapper = document.createElement('div');
        article.before(wrapper);
        wrapper.append(article);
    })(document.querySelector('main article'))",
    "void (main => main.innerHTML = main.innerHTML)(document.querySelector('main'))",
    "(article => article.replaceWith(article.cloneNode(true)))
        (document.querySelector('main article'))",
    "(main => main.replaceWith(main.cloneNode(true)))(document.querySelector('main'))",
    "void (document.body.innerHTML = document.body.innerHTML)",
];

const FAILED: &str = "document.querySelector('h1')?.innerText === 'Something went wrong'";

impl Visitor {
    /// Waits until the page that reports the failure is shown.
    async fn sees_the_failure_page(&self) {
        self.until(FAILED).await;
        self.sees_nothing_private().await;
        assert!(self.browser.client.title().await.unwrap().starts_with("Something went wrong"));
        for selector in ["main", "h1", "nav", "main [role=alert]"] {
            let count = format!("document.querySelectorAll('{selector}').length");
            assert_eq!(self.script(&count).await, 1, "{selector}");
        }
        assert_eq!(self.script("document.activeElement.tagName").await, "H1");
        // Clears the console, which shows the failure as an error.
        self.browser.console().await;
    }
}

#[tokio::test]
async fn an_invalid_browser_language_is_ignored() {
    visit(async |ada| {
        for language in ["en-US@posix", "en_GB", "C", ""] {
            let getter = format!("{{ get: () => {} }}", json!(language));
            let source =
                format!("Object.defineProperty(Navigator.prototype, 'language', {getter})");
            ada.adds_script(&source).await;
            ada.logs_in().await;
            assert_eq!(ada.script("navigator.language").await, language);
            ada.until("/ \\d{1,2}, \\d{4}$/.test(document.querySelector('time').innerText)").await;
            ada.follows("/settings").await;
            ada.until("document.querySelector('.session time').title.includes(' at ')").await;
            ada.presses("Log out").await;
            ada.arrives_at("/login").await;
            ada.sees_nothing_private().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_uncaught_exception_replaces_the_page_and_a_reload_restores_it() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script(THROW_AT_NEXT_TITLE).await;
        ada.follows("/settings").await;
        ada.sees_the_failure_page().await;
        assert_eq!(ada.token().await, Some(token), "the session continues");
        ada.presses("Reload the page").await;
        ada.until("document.querySelector('.session')").await;
    })
    .await;
}

#[tokio::test]
async fn a_node_that_an_extension_has_removed_replaces_the_page() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        // The alert about the failed request would be inserted before this button.
        ada.script(
            "(window.fetch = () => Promise.reject(new TypeError('a test')),
                (({form}) => { form.querySelector('[type=submit]').remove(); form.requestSubmit() })
                    (document.querySelector('[name=new_password]')))",
        )
        .await;
        ada.sees_the_failure_page().await;
        assert_eq!(ada.script("document.querySelectorAll('input').length").await, 0);
        ada.presses("Reload the page").await;
        ada.field("current_password").await;
        assert_eq!(ada.value("current_password").await, "");
    })
    .await;
}

#[tokio::test]
async fn a_changed_page_is_replaced_when_the_session_ends() {
    visit(async |ada| {
        for change in CHANGES {
            let token = ada.logs_in().await;
            ada.script(change).await;
            let bearer = format!("authorization: Bearer {token}\r\n");
            assert_eq!(ada.server.post("/api/logout", &bearer, "{}").status, 204);
            ada.sees_the_account().await;
            ada.script("window.dispatchEvent(new Event('focus'))").await;
            ada.sees_the_failure_page().await;
            assert_eq!(ada.token().await, None);
            ada.presses("Reload the page").await;
            ada.field("email").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_page_is_replaced_after_a_log_out_and_the_session_ends() {
    visit(async |ada| {
        for change in &CHANGES[..4] {
            let token = ada.logs_in().await;
            ada.script(change).await;
            let answers = ada.answers("path=\"/api/logout\"");
            ada.presses("Log out").await;
            ada.sees_the_failure_page().await;
            ada.server.wait_for("the log-out", |log| {
                log.matches("path=\"/api/logout\"}: answered").count() > answers
            });
            assert_eq!(ada.server.me(&token).code(), "invalid_token");
        }
        // The button is a copy, so the application does not know that it was pressed.
        ada.logs_in().await;
        ada.script(CHANGES[4]).await;
        ada.presses("Log out").await;
        ada.sees_the_failure_page().await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_page_is_replaced_when_the_user_leaves_it() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        for change in &CHANGES[..4] {
            ada.open("/private").await;
            ada.sees_the_account().await;
            ada.script(change).await;
            ada.script("document.querySelector('a[href=\"/\"]').click()").await;
            ada.sees_the_failure_page().await;
        }
        assert_eq!(ada.token().await, Some(token), "the session continues");
    })
    .await;
}

#[tokio::test]
async fn a_module_that_is_not_compiled_while_it_loads_is_guarded() {
    visit(async |ada| {
        for source in [
            "((fetch) => window.fetch = async (...request) => {
                const answer = await fetch(...request);
                const headers = { 'content-type': 'application/octet-stream' };
                return answer.url.endsWith('.wasm') ? new Response(answer.body, { headers }) : answer;
            })(window.fetch)",
            "delete WebAssembly.instantiateStreaming",
        ] {
            ada.adds_script(source).await;
            ada.logs_in().await;
            ada.script(THROW_AT_NEXT_TITLE).await;
            ada.follows("/settings").await;
            ada.sees_the_failure_page().await;
            ada.script("sessionStorage.clear()").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_module_that_cannot_be_loaded_replaces_the_page() {
    visit(async |ada| {
        ada.browser.devtools("Network.enable", json!({})).await;
        ada.browser.devtools("Network.setBlockedURLs", json!({"urls": ["*.wasm"]})).await;
        ada.open("/").await;
        ada.sees_the_failure_page().await;
        ada.browser.devtools("Network.setBlockedURLs", json!({"urls": []})).await;
        ada.presses("Reload the page").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
    })
    .await;
}

#[tokio::test]
async fn errors_of_other_scripts_do_not_replace_the_page() {
    visit(async |ada| {
        ada.logs_in().await;
        // The second one listens to an event of the application.
        ada.script(
            "(window.errors = 0,
                addEventListener('error', () => window.errors += 1),
                setTimeout(() => { throw new Error('an extension') }),
                document.querySelector('main').addEventListener('focusin', () => {
                    throw new Error('an extension');
                }),
                document.querySelector('main h1').blur(),
                document.querySelector('.skip-link').click())",
        )
        .await;
        ada.until("window.errors >= 2").await;
        assert_eq!(ada.script(FAILED).await, false);
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        // Clears the console, which shows the errors.
        ada.browser.console().await;
    })
    .await;
}

#[tokio::test]
async fn a_fetch_that_throws_is_a_network_failure() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.script("void (window.fetch = () => { throw new Error('an extension') })").await;
        ada.follows("/settings").await;
        let alert = ada.message("alert").await;
        assert!(alert.contains("cannot be reached"), "{alert}");
    })
    .await;
}

#[tokio::test]
async fn events_without_the_usual_properties_are_ignored() {
    visit(async |ada| {
        let narrow = json!({"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": true});
        ada.browser.devtools("Emulation.setDeviceMetricsOverride", narrow).await;
        ada.open("/login").await;
        ada.presses("Menu").await;
        // Chromium sends such an event when it fills in a field.
        ada.script(
            "['nav a', '[name=email]', '[name=password]'].forEach(selector =>
                ['keydown', 'keyup', 'input', 'change', 'click'].forEach(type =>
                    document.querySelector(selector).dispatchEvent(
                        new Event(type, {bubbles: true, cancelable: true}))))",
        )
        .await;
        assert_eq!(ada.script(FAILED).await, false);
        ada.field("email").await;
    })
    .await;
}
