//! A mail filter that opens every link, runs the scripts and presses the buttons.

use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{EMAIL, NEW, Visitor};

/// Presses every button of the page, and submits every form.
const PRESS_EVERYTHING: &str = "(() => {
    for (const button of document.querySelectorAll('button')) button.click();
    for (const form of document.querySelectorAll('form')) form.requestSubmit();
})()";

impl Visitor {
    async fn scans(&self, link: &str) {
        self.open("/nothing").await;
        self.open(link).await;
        self.heading().await;
        for _ in 0..3 {
            self.script(PRESS_EVERYTHING).await;
            self.script("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
                .await;
        }
    }
}

#[tokio::test]
async fn links_still_work_after_a_scanner_has_opened_them() {
    visit_with_mail(&[], async |ada| {
        ada.signs_up().await;
        ada.forgets_the_password(EMAIL).await;
        let reset = ada.mail(EMAIL, 2).await.link("/reset");
        let verify = ada.mail(EMAIL, 1).await.link("/verify");
        ada.in_another_browser(async |scanner| {
            for link in [&verify, &reset, "/forgot"] {
                scanner.scans(link).await;
                // The server is not sent the secret.
                let url = scanner.script("location.href").await;
                assert!(!url.as_str().unwrap().contains('#'), "{url}");
            }
            // A scanner may also ask for the page without a browser.
            assert_eq!(scanner.server.get("/reset").status, 200);
        })
        .await;
        assert!(!ada.server.log().contains("method=PUT"), "{}", ada.server.log());

        ada.open(&verify).await;
        ada.until("location.pathname === '/login'").await;
        ada.submits_the_log_in_form().await;
        ada.until("location.pathname === '/verify'").await;
        ada.presses("Confirm").await;
        ada.open("/settings").await;
        ada.until("document.querySelector('main').innerText.includes('Confirmed')").await;

        ada.open(&reset).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.until("location.pathname === '/login'").await;
        ada.server.log_in(EMAIL, NEW);
    })
    .await;
}
