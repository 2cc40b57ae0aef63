//! The page translation of a browser, which replaces all text nodes.

use serde_json::json;

use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

/// Replaces every text node with two elements, as Chromium's translation does, and puts the text in
/// brackets instead of translating it. Later texts are replaced too.
const TRANSLATOR: &str = "
    const translate = (root) => {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) found.push(texts.currentNode);
        if (root.nodeType === Node.TEXT_NODE) found.push(root);
        for (const text of found) {
            if (!text.data.trim() || text.parentElement?.closest('font, script, title')) continue;
            const [outer, inner] = [0, 0].map(() => document.createElement('font'));
            inner.textContent = `[${text.data.trim()}]`;
            outer.append(inner);
            text.replaceWith(outer);
        }
    };
    new MutationObserver((changes) => {
        for (const change of changes) change.addedNodes.forEach(translate);
    }).observe(document, { childList: true, subtree: true });";

impl Visitor {
    /// Waits until the translated text of the only matching element is `text`.
    async fn reads(&self, selector: &str, text: &str) {
        let selector = json!(selector);
        let text = json!(text);
        self.until(&format!(
            "((found) => found.length === 1 && found[0].innerText.trim() === {text})
                (document.querySelectorAll({selector}))"
        ))
        .await;
    }

    /// Presses a button while the server does not answer, and checks its text until it does.
    async fn presses_and_reads(&self, button: &str, selector: &str, busy: &str) {
        self.server.signal("STOP");
        self.presses(button).await;
        self.reads(selector, busy).await;
        self.server.signal("CONT");
    }
}

const SUBMIT: &str = "main form [type=submit]";

#[tokio::test]
async fn texts_that_change_are_shown_on_a_translated_page() {
    visit(async |ada| {
        ada.adds_script(TRANSLATOR).await;
        ada.open("/signup").await;
        ada.reads("h1", "[Sign up]").await;
        ada.reads("nav a[href='/login']", "[Log in]").await;

        ada.types("email", EMAIL).await;
        ada.presses("[Sign up]").await;
        ada.reads("#password-error", "[This password is too short. Use at least 8 characters.]")
            .await;
        ada.types("password", "latchkey").await;
        ada.presses("[Sign up]").await;
        ada.reads("#password-error", "[This password is too common. Choose another one.]").await;
        ada.types("password", PASSWORD).await;
        ada.presses("[Show password]").await;
        ada.reads(".field-foot .button", "[Hide password]").await;
        ada.presses_and_reads("[Sign up]", SUBMIT, "[Signing up…]").await;
        ada.reads("h1", "[Log in]").await;
        ada.reads("main [role=status]", "[Your account has been created. Log in to continue.]")
            .await;
        ada.reads(".field-foot .button", "[Show password]").await;

        ada.types("password", NEW).await;
        ada.presses_and_reads("[Log in]", SUBMIT, "[Logging in…]").await;
        ada.until("document.querySelector('main [role=alert]').innerText.includes('[Incorrect ')")
            .await;
        ada.reads(SUBMIT, "[Log in]").await;
        ada.script("void (window.fetch_ = fetch, window.fetch = () => Promise.reject())").await;
        ada.types("password", PASSWORD).await;
        ada.presses("[Log in]").await;
        ada.until("document.querySelector('main [role=alert]').innerText.includes('reached')")
            .await;
        ada.script("void (window.fetch = fetch_)").await;
        ada.presses("[Log in]").await;

        ada.reads("h1", "[Your account]").await;
        ada.reads("nav a[href='/private']", "[Your account]").await;
        ada.reads("nav a[href='/settings']", "[Settings]").await;
        ada.until("/^\\[\\w+ \\d+, \\d+\\]$/.test(document.querySelector('time').innerText)").await;
    })
    .await;
}

#[tokio::test]
async fn the_settings_work_on_a_translated_page() {
    visit(async |ada| {
        ada.adds_script(TRANSLATOR).await;
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.server.log_in(EMAIL, PASSWORD);
        let token = ada.server.log_in(EMAIL, PASSWORD);
        for _ in 0..8 {
            let guess = crate::server::credentials(EMAIL, "a guess");
            ada.server.post("/api/token", "", &guess);
        }
        ada.open("/").await;
        ada.reads(".actions .button-quiet", "[Log in]").await;
        ada.stores_token(&token).await;
        ada.open("/").await;
        ada.reads(".actions .button", "[Go to your account]").await;
        ada.follows("/settings").await;
        ada.until("document.querySelectorAll('.session').length === 2").await;
        ada.until("document.querySelector('.session').innerText.includes('[just now]')").await;
        ada.until("document.querySelector('.event').innerText.includes('[Just now]')").await;
        let more =
            "[...document.querySelectorAll('button')].find(b => /^.Show all/.test(b.innerText))";
        ada.script(&format!("{more}.click()")).await;
        ada.button("[Show fewer]").await;

        ada.script("document.querySelector('.session button').click()").await;
        ada.until("document.querySelectorAll('.session').length === 1").await;
        ada.until("document.body.innerText.includes('[The session has ended.]')").await;

        ada.types_passwords(NEW, PASSWORD).await;
        ada.presses_and_reads("[Change password]", SUBMIT, "[Changing…]").await;
        ada.reads("#current_password-error", "[Incorrect password. Try again.]").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.presses("[Change password]").await;
        ada.until("document.body.innerText.includes('[Your password has been changed.')").await;
        // The list has been loaded again.
        ada.until("document.querySelector('.event dt').innerText === '[Password changed]'").await;
        let events = "[...document.querySelectorAll('.event dt')].map(e => e.innerText)";
        assert_eq!(
            ada.script(&format!("{events}[1]")).await,
            "[Incorrect password entered in settings]"
        );

        ada.presses("[Delete account]").await;
        ada.reads("dialog h2", "[Delete your account?]").await;
        ada.presses("[Cancel]").await;
        ada.until("!document.querySelector('dialog')").await;

        ada.presses_and_reads("[Log out]", "nav .button:not(.nav-menu)", "[Logging out…]").await;
        ada.reads("h1", "[Log in]").await;
        ada.reads("nav a[href='/login']", "[Log in]").await;
        ada.reads("nav a[href='/signup']", "[Sign up]").await;
    })
    .await;
}
