//! The size of the downloads of a first visit, and the time until a page is usable.

use serde_json::{Value, json};

use crate::browser::in_chromium;
use crate::visitor::{Visitor, visit};

/// The maximum size of the downloads of a first visit, in bytes after compression.
/// `cargo xtask ci size` has the same limit.
const BUDGET: u64 = 283_000;

/// The maximum time until the log-in form is usable on a slow mobile connection, in relation to the
/// time that the module alone takes on the same connection.
const MAX_RATIO: f64 = 1.3;

/// Downloads the module, and returns how many milliseconds that took.
const DOWNLOAD_MODULE: &str = "(async () => {
    const start = performance.now();
    await (await fetch(document.querySelector('link[as=fetch]').href)).arrayBuffer();
    return performance.now() - start;
})()";

/// Lists the name, size and transferred bytes of the page and of everything that it loads.
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
async fn a_first_visit_is_within_the_budget_and_the_next_downloads_no_asset() {
    in_chromium(visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let first = downloads(ada).await;
        let total: u64 = first.iter().map(|(_, bytes, _)| bytes).sum();
        assert!((10_000..=BUDGET).contains(&total), "{total} bytes: {first:?}");
        for kind in [".js", ".css", ".wasm"] {
            let mut names: Vec<_> =
                first.iter().map(|(name, ..)| name).filter(|name| name.ends_with(kind)).collect();
            let all = names.len();
            assert_ne!(all, 0, "{kind}: {first:?}");
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "downloaded twice: {first:?}");
        }

        ada.open("/").await;
        ada.heading().await;
        let next = downloads(ada).await;
        assert!(next.len() > 2, "{next:?}");
        for (name, _, network) in next {
            assert!(network == 0 || !name.starts_with("/assets/"), "{name} was downloaded again");
        }
    }))
    .await;
}

#[tokio::test]
async fn going_to_another_page_downloads_nothing() {
    visit(async |ada| {
        ada.open("/").await;
        ada.heading().await;
        let before = downloads(ada).await.len();
        ada.follows("/login").await;
        ada.field("email").await;
        assert_eq!(downloads(ada).await.len(), before);
    })
    .await;
}

#[tokio::test]
async fn the_log_in_page_is_usable_soon_after_its_module_on_slow_4g() {
    visit(async |ada| {
        // 1.6 Mbit/s down, 750 kbit/s up, and 150 ms from a request to its response.
        let slow_4g = json!({
            "offline": false,
            "latency": 150,
            "downloadThroughput": 200_000,
            "uploadThroughput": 93_750,
        });
        let observer = json!({"source": "new MutationObserver((_, observer) => {
            if (document.querySelector('main input[name=email]')) {
                window.usableAfter = performance.now();
                observer.disconnect();
            }
        }).observe(document, { childList: true, subtree: true })"});
        ada.browser.devtools("Network.enable", json!({})).await;
        ada.browser.devtools("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
        ada.browser.devtools("Network.emulateNetworkConditions", slow_4g).await;
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", observer).await;
        // The best of ten, because other tests may keep the processor busy.
        let mut best = f64::MAX;
        for _ in 0..10 {
            if best <= MAX_RATIO {
                break;
            }
            ada.open("/login").await;
            ada.until("window.usableAfter").await;
            let usable = ada.script("window.usableAfter").await.as_f64().unwrap();
            let module = ada.script(DOWNLOAD_MODULE).await.as_f64().unwrap();
            best = best.min(usable / module);
        }
        assert!(best <= MAX_RATIO, "usable after {best:.2} times the time of the module");
    })
    .await;
}

#[tokio::test]
async fn the_preloads_are_used_and_the_module_is_streamed() {
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
        // The console warns of an unused preload, and of a module that is not streamed.
        let warnings = ada.browser.console().await;
        assert!(warnings.is_empty(), "{warnings:?}");
    })
    .await;
}
