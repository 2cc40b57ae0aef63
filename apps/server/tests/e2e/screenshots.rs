//! The pages that README.md shows, in light and dark. `UPDATE_DOCS=1 cargo xtask ci e2e` updates
//! the screenshots.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::browser::in_chromium;
use crate::visitor::{EMAIL, Visitor, visit};

const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images");

const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/142.0.0.0 Safari/537.36";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

impl Visitor {
    async fn sets_the_user_agent(&self, user_agent: &str) {
        let user_agent = json!({"userAgent": user_agent});
        self.browser.devtools("Emulation.setUserAgentOverride", user_agent).await;
    }

    async fn takes_screenshots(&self, page: &str) {
        // The caret blinks.
        self.script("document.activeElement.blur()").await;
        let mut images = Vec::new();
        for scheme in ["light", "dark"] {
            let media = json!({"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                // Colours change without a transition.
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]});
            self.browser.devtools("Emulation.setEmulatedMedia", media).await;
            // The next frame has the new colours.
            self.script("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
                .await;
            let image = self.browser.client.screenshot().await.unwrap();
            if std::env::var_os("UPDATE_DOCS").is_some() {
                fs::write(Path::new(IMAGES).join(format!("{page}-{scheme}.png")), &image).unwrap();
            }
            images.push(image);
        }
        assert_ne!(images[0], images[1], "{page} looks the same in light and dark");
    }
}

#[tokio::test]
async fn the_pages_in_the_readme_have_a_light_and_a_dark_version() {
    in_chromium(visit(async |ada| {
        let size = json!({"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        ada.browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        ada.browser.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        ada.sets_the_user_agent(DESKTOP).await;

        ada.open("/").await;
        ada.heading().await;
        ada.takes_screenshots("home").await;

        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.takes_screenshots("log-in").await;

        ada.logs_in().await;
        ada.in_another_browser(async |phone| {
            phone.sets_the_user_agent(PHONE).await;
            phone.open("/login").await;
            phone.submits_the_log_in_form().await;
            phone.sees_the_account().await;
        })
        .await;
        ada.follows("/settings").await;
        ada.until("document.querySelectorAll('.session').length === 2").await;
        ada.script("document.querySelector('.session').closest('section').scrollIntoView()").await;
        ada.takes_screenshots("settings").await;
    }))
    .await;
}
