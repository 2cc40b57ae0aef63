//! An attacker guesses passwords.

use crate::server::credentials;
use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn guessing_locks_out_unknown_browsers_but_not_the_owner() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        for _ in 0..10 {
            let body = credentials(EMAIL, "a guess");
            assert_eq!(ada.server.post("/api/token", "", &body).status, 401);
        }
        ada.in_another_browser(async |stranger| {
            stranger.open("/login").await;
            stranger.submits_the_log_in_form().await;
            let alert = stranger.message("alert").await;
            assert!(alert.contains("Too many attempts. Try again in"), "{alert}");
            assert_eq!(stranger.value("email").await, EMAIL);
            // Clears the console, which shows the rejected request as an error.
            stranger.browser.console().await;
        })
        .await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        // The owner sees the attempts in the recent activity.
        ada.follows("/settings").await;
        ada.until("document.querySelectorAll('.event').length === 10").await;
        let events = "[...document.querySelectorAll('.event')].map(e => e.innerText)";
        let events = ada.script(events).await;
        let events: Vec<_> =
            events.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert!(events[0].starts_with("Logged in"), "{events:?}");
        assert!(events[1].starts_with("Log-in temporarily blocked"), "{events:?}");
        assert!(
            events[2].starts_with("Log-in failed")
                && events[2].contains("the server's own machine"),
            "{events:?}"
        );
        ada.presses("Show all 15").await;
        ada.until("document.querySelectorAll('.event').length === 15").await;
        assert_eq!(ada.script("document.activeElement.innerText").await, "Show fewer");
    })
    .await;
}
