/// Substrings of a user agent that identify a browser. A user agent may also contain the
/// substrings of browsers further down this list, so the first match counts.
const BROWSERS: [(&str, &str); 14] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Substrings of a user agent that identify an operating system. Android user agents also contain
/// `Linux`, so the first match counts.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The maximum number of characters of a product name that are shown.
const MAX_PRODUCT_LENGTH: usize = 40;

/// Describes the device that sent this user agent. A client can send any text, so the description
/// only helps users to recognise their own devices.
#[must_use]
pub fn device(user_agent: Option<&str>) -> String {
    let agent = user_agent.unwrap_or_default();
    if !agent.starts_with("Mozilla/") && !agent.starts_with("Opera/") {
        return program(agent);
    }
    match (find(&BROWSERS, agent), find(&SYSTEMS, agent)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "A browser".to_owned(),
    }
}

/// Describes a client that is not a browser. A user agent begins with the name and version of a
/// product (RFC 9110, section 10.1.5).
fn program(agent: &str) -> String {
    match agent.split(['/', ' ', '(']).next() {
        None | Some("") => "Unknown device".to_owned(),
        Some(name) => {
            let short: String = name.chars().take(MAX_PRODUCT_LENGTH).collect();
            format!("A program ({short})")
        }
    }
}

fn find(names: &[(&str, &'static str)], agent: &str) -> Option<&'static str> {
    names.iter().find(|(text, _)| agent.contains(text)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64)";
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
    const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K)";
    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)";
    const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X)";
    const CHROME_OS: &str = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)";
    const BLINK: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
    const WEBKIT: &str = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

    fn is(system: &str, engine: &str, products: &str, words: &str) {
        let agent = format!("{system} {engine} {products}");
        assert_eq!(device(Some(&agent)), words, "{agent}");
    }

    #[test]
    fn a_desktop_browser_is_named_with_its_system() {
        is(LINUX, BLINK, "Chrome/137.0.0.0 Safari/537.36", "Chrome on Linux");
        is(LINUX, BLINK, "HeadlessChrome/137.0.0.0 Safari/537.36", "Chrome on Linux");
        is(CHROME_OS, BLINK, "Chrome/137.0.0.0 Safari/537.36", "Chrome on ChromeOS");
        let edge = "Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0";
        is(WINDOWS, BLINK, edge, "Edge on Windows");
        let opera = "Chrome/135.0.0.0 Safari/537.36 OPR/120.0.0.0";
        is(WINDOWS, BLINK, opera, "Opera on Windows");
        is(MAC, WEBKIT, "Version/18.5 Safari/605.1.15", "Safari on macOS");
        let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0)";
        is(firefox, "Gecko/20100101", "Firefox/139.0", "Firefox on Windows");
    }

    #[test]
    fn a_mobile_browser_is_named_with_its_system() {
        let chrome = "Chrome/137.0.0.0 Mobile Safari/537.36";
        is(ANDROID, BLINK, chrome, "Chrome on Android");
        let samsung = "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36";
        is(ANDROID, BLINK, samsung, "Samsung Internet on Android");
        let edge = "Chrome/137.0.0.0 Mobile Safari/537.36 EdgA/137.0.0.0";
        is(ANDROID, BLINK, edge, "Edge on Android");
        let firefox = "Mozilla/5.0 (Android 15; Mobile; rv:139.0)";
        is(firefox, "Gecko/139.0", "Firefox/139.0", "Firefox on Android");
        is(IPHONE, WEBKIT, "Version/18.5 Mobile/15E148 Safari/604.1", "Safari on an iPhone");
        is(IPHONE, WEBKIT, "CriOS/137.0.7151.51 Mobile/15E148 Safari/604.1", "Chrome on an iPhone");
        is(IPHONE, WEBKIT, "FxiOS/139.0 Mobile/15E148 Safari/605.1.15", "Firefox on an iPhone");
        is(IPAD, WEBKIT, "Version/18.5 Mobile/15E148 Safari/604.1", "Safari on an iPad");
    }

    #[test]
    fn an_incomplete_user_agent_has_a_partial_description() {
        is(IPHONE, WEBKIT, "Mobile/15E148", "A browser on an iPhone");
        is("Mozilla/5.0", "(compatible)", "", "A browser");
        is("Mozilla/5.0", "Gecko/20100101", "Firefox/139.0", "Firefox");
        is("Opera/9.80 (X11; Linux x86_64)", "Presto/2.12.388", "Version/12.16", "Opera on Linux");
    }

    #[test]
    fn other_user_agents_are_programs() {
        for (agent, words) in [
            ("curl/8.5.0", "A program (curl)"),
            ("python-requests/2.32.3", "A program (python-requests)"),
            ("Go-http-client/1.1", "A program (Go-http-client)"),
            ("okhttp(4)", "A program (okhttp)"),
            ("backup script", "A program (backup)"),
        ] {
            assert_eq!(device(Some(agent)), words);
        }
        assert_eq!(device(Some(&"x".repeat(500))), format!("A program ({})", "x".repeat(40)));
    }

    #[test]
    fn an_empty_user_agent_is_unknown() {
        for agent in [None, Some(""), Some(" "), Some("/1.0")] {
            assert_eq!(device(agent), "Unknown device", "{agent:?}");
        }
    }
}
