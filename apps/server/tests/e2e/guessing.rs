//! A stranger guesses a password.

use crate::server::credentials;
use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn guessing_locks_out_unknown_browsers_but_not_the_owner() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        for _ in 0..10 {
            let body = credentials(EMAIL, "a guess");
            assert_eq!(ada.server.post("/api/token", "", &body).status, 401);
        }
        ada.elsewhere(async |stranger| {
            stranger.open("/login").await;
            stranger.logs_in().await;
            let alert = stranger.message("alert").await;
            assert!(alert.contains("Too many attempts. Try again in"), "{alert}");
            assert_eq!(stranger.value("email").await, EMAIL);
            // The console shows the rejected request as an error.
            stranger.browser.console().await;
        })
        .await;
        ada.logs_in().await;
        ada.sees_the_account().await;
        // The owner sees what has happened meanwhile.
        ada.follows("/settings").await;
        ada.until("document.querySelectorAll('.event').length === 10").await;
        let told = "[...document.querySelectorAll('.event')].map(e => e.innerText)";
        let told = ada.script(told).await;
        let told: Vec<_> =
            told.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert!(told[0].starts_with("Logged in"), "{told:?}");
        assert!(told[1].starts_with("Log-in temporarily blocked"), "{told:?}");
        assert!(
            told[2].starts_with("Log-in failed") && told[2].contains("own computer"),
            "{told:?}"
        );
        ada.presses("Show all 15").await;
        ada.until("document.querySelectorAll('.event').length === 15").await;
        assert_eq!(ada.script("document.activeElement.innerText").await, "Show fewer");
    })
    .await;
}
