//! What a browser downloads, and what it does not download again.

use serde_json::Value;

use crate::visitor::{Visitor, visit};

/// What a first visit may download, in bytes after compression.
const BUDGET: u64 = 100_000;

/// Name, bytes and bytes that came over the network of all that the page is made of.
const DOWNLOADS: &str = "['navigation', 'resource']
    .flatMap(kind => performance.getEntriesByType(kind))
    .map(it => [new URL(it.name).pathname, it.encodedBodySize, it.transferSize])";

async fn downloads(ada: &Visitor) -> Vec<(String, u64, u64)> {
    let entries = ada.script(DOWNLOADS).await;
    let number = |value: &Value| value.as_u64().unwrap();
    let entry = |entry: &Value| {
        (entry[0].as_str().unwrap().to_owned(), number(&entry[1]), number(&entry[2]))
    };
    entries.as_array().unwrap().iter().map(entry).collect()
}

#[tokio::test]
async fn a_first_visit_keeps_to_the_budget_and_the_next_downloads_no_asset() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let first = downloads(ada).await;
        let total: u64 = first.iter().map(|(_, bytes, _)| bytes).sum();
        assert!((10_000..=BUDGET).contains(&total), "{total} bytes: {first:?}");
        for kind in [".js", ".css", ".wasm"] {
            let of_kind =
                |(name, _, network): &&(String, u64, u64)| name.ends_with(kind) && *network != 0;
            assert_eq!(first.iter().filter(of_kind).count(), 1, "{kind}: {first:?}");
        }

        ada.open("/").await;
        ada.heading().await;
        let next = downloads(ada).await;
        assert!(next.len() > 2, "{next:?}");
        for (name, _, network) in next {
            assert!(network == 0 || !name.starts_with("/assets/"), "{name} was downloaded again");
        }
    })
    .await;
}

#[tokio::test]
async fn what_only_a_log_in_needs_is_downloaded_when_somebody_goes_there() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let parts = "performance.getEntriesByType('resource').map(it => it.name)
            .filter(name => /\\/(entrance|private)-/.test(name)).length";
        assert_eq!(ada.script(parts).await, 0);
        ada.follows("/login").await;
        ada.field("email").await;
        assert_eq!(ada.script(parts).await, 1, "and what is private still is not");
    })
    .await;
}

#[tokio::test]
async fn a_part_that_does_not_come_is_an_alert_and_another_try() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let none = serde_json::json!({"urls": ["*/entrance-*"]});
        ada.browser.devtools("Network.enable", serde_json::json!({})).await;
        ada.browser.devtools("Network.setBlockedURLs", none).await;
        ada.follows("/login").await;
        let alert = ada.message("alert").await;
        assert!(alert.contains("could not be downloaded"), "{alert}");
        assert_eq!(ada.script("location.pathname").await, "/login");
        let all = serde_json::json!({"urls": []});
        ada.browser.devtools("Network.setBlockedURLs", all).await;
        ada.presses("Try again").await;
        ada.field("email").await;
        ada.until("document.querySelector('main').contains(document.activeElement)").await;
        // The console has told of the failure.
        ada.browser.console().await;
    })
    .await;
}

#[tokio::test]
async fn the_browser_is_told_what_it_gets_and_has_use_for_all_of_it() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let wasm = "document.querySelector('link[as=fetch]').href";
        let kind = ada
            .browser
            .client
            .execute_async(
                &format!("fetch({wasm}).then(it => arguments[0](it.headers.get('content-type')))"),
                vec![],
            )
            .await
            .unwrap();
        assert_eq!(kind, "application/wasm");
        // What is preloaded and not used is a warning, and so is what is not streamed.
        let warnings = ada.browser.console().await;
        assert!(warnings.is_empty(), "{warnings:?}");
    })
    .await;
}
