//! The Content-Security-Policy, as the browser enforces it.

use serde_json::json;

use crate::browser::in_chromium;
use crate::visitor::{Visitor, visit};

/// A script that records violations. It runs before any script of the page.
const LISTENER: &str = "window.violations = [];
    addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective))";

async fn assert_no_violation(ada: &Visitor, path: &str) {
    ada.open(path).await;
    ada.heading().await;
    assert_eq!(ada.script("window.violations").await, json!([]), "{path}");
}

#[tokio::test]
async fn no_page_violates_the_policy_and_violations_are_blocked() {
    in_chromium(visit(async |ada| {
        let source = json!({"source": LISTENER});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        for path in ["/", "/login", "/nothing", "/signup"] {
            assert_no_violation(ada, path).await;
        }
        // Errors, waiting states and success messages are rendered only after an action.
        ada.presses("Sign up").await;
        ada.until("document.querySelector('[aria-invalid=true]')").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        ada.logs_in().await;
        assert_no_violation(ada, "/private").await;
        assert_no_violation(ada, "/settings").await;
        ada.until("document.querySelector('.event')").await;
        ada.presses("Download my data").await;
        ada.presses("Set up an app").await;
        ada.until("document.querySelector('main svg[role=img]')").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        // The same listener records real violations.
        ada.script(
            "(() => {
                const inline = document.createElement('script');
                inline.textContent = 'window.ran = true';
                document.head.append(inline);
                document.body.insertAdjacentHTML('beforeend',
                    '<p style=\"color: red\"></p><img src=\"http://127.0.0.1:9/x.png\">');
                fetch('http://127.0.0.1:9/').catch(() => 0);
                // A timer, because the driver may exempt its own script from the policy.
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
        // Clears the console, which shows each violation as an error.
        ada.browser.console().await;
    }))
    .await;
}
