//! The Content-Security-Policy, as a browser applies it.

use serde_json::json;

use crate::visitor::{Visitor, visit};

/// Records violations, from before any script of the page runs.
const LISTENER: &str = "window.violations = [];
    addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective))";

async fn breaks_nothing(ada: &Visitor, path: &str) {
    ada.open(path).await;
    ada.heading().await;
    assert_eq!(ada.script("window.violations").await, json!([]), "{path}");
}

#[tokio::test]
async fn no_page_violates_the_policy_and_violations_are_blocked() {
    visit(async |ada| {
        let source = json!({"source": LISTENER});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        for path in ["/", "/login", "/nothing", "/signup"] {
            breaks_nothing(ada, path).await;
        }
        // Errors, waiting states and successes are rendered later.
        ada.presses("Sign up").await;
        ada.until("document.querySelector('[aria-invalid=true]')").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        ada.is_signed_in().await;
        breaks_nothing(ada, "/private").await;
        breaks_nothing(ada, "/settings").await;
        ada.until("document.querySelector('.event')").await;
        ada.presses("Download my data").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        // The same listener hears of real violations.
        ada.script(
            "(() => {
                const inline = document.createElement('script');
                inline.textContent = 'window.ran = true';
                document.head.append(inline);
                document.body.insertAdjacentHTML('beforeend',
                    '<p style=\"color: red\"></p><img src=\"http://127.0.0.1:9/x.png\">');
                fetch('http://127.0.0.1:9/').catch(() => 0);
                // Not in the script of the driver, which may do more than a page.
                setTimeout(() => { try { eval('window.ran = true') } catch {} });
            })()",
        )
        .await;
        ada.until(
            "['script-src-elem', 'style-src-attr', 'img-src', 'connect-src', 'script-src']
             .every(directive => violations.includes(directive))",
        )
        .await;
        assert_eq!(ada.script("window.ran === undefined").await, true);
        // The console shows each violation: they are not errors of a page.
        ada.browser.console().await;
    })
    .await;
}
