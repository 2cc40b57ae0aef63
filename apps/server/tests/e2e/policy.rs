//! The Content-Security-Policy, as a browser applies it.

use serde_json::json;

use crate::visitor::{Visitor, visit};

/// Keeps what the browser reports, from before anything of a page runs.
const LISTENER: &str = "window.violations = [];
    addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective))";

async fn breaks_nothing(ada: &Visitor, path: &str) {
    ada.open(path).await;
    ada.heading().await;
    assert_eq!(ada.script("window.violations").await, json!([]), "{path}");
}

#[tokio::test]
async fn no_page_breaks_the_policy_and_what_would_is_stopped() {
    visit(async |ada| {
        let source = json!({"source": LISTENER});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        for path in ["/", "/login", "/nothing", "/signup"] {
            breaks_nothing(ada, path).await;
        }
        // What a page shows of errors, waiting and success comes later.
        ada.presses("Sign up").await;
        ada.until("document.querySelector('[aria-invalid=true]')").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        ada.is_signed_in().await;
        breaks_nothing(ada, "/private").await;
        breaks_nothing(ada, "/settings").await;
        ada.until("document.querySelector('.event')").await;
        ada.presses("Download my data").await;
        assert_eq!(ada.script("window.violations").await, json!([]));
        // And the same listener hears of what the policy is there for.
        ada.script(
            "(() => {
                const inline = document.createElement('script');
                inline.textContent = 'window.ran = true';
                document.head.append(inline);
                document.body.insertAdjacentHTML('beforeend',
                    '<p style=\"color: red\"></p><img src=\"http://127.0.0.1:9/x.png\">');
                fetch('http://127.0.0.1:9/').catch(() => 0);
                // Not in what the driver runs, which may do more than a page.
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
        // The console has told of each: they are no errors of a page.
        ada.browser.console().await;
    })
    .await;
}
