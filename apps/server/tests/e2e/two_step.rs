//! An authenticator app and recovery codes, in the settings and when logging in.

use fantoccini::key::Key;
use serde_json::json;

use crate::browser::in_chromium;
use crate::factors::{App, SetUp};
use crate::server::bearer;
use crate::visitor::{EMAIL, NEW, PASSWORD, REMEMBER, Visitor, visit};

/// Returns the pixels of a PNG in base64: `#` for dark ones, `.` for light ones.
const PIXELS: &str = "const [image, done] = arguments;
    (async () => {
        const png = await fetch('data:image/png;base64,' + image);
        const bitmap = await createImageBitmap(await png.blob());
        const {width, height} = bitmap;
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        const {data} = context.getImageData(0, 0, width, height);
        return Array.from({length: height}, (_, y) => Array.from({length: width},
            (_, x) => data[4 * (y * width + x)] < 128 ? '#' : '.').join(''));
    })().then(done, error => done(String(error)));";

impl Visitor {
    /// Reads the QR code from a screenshot, like the camera of a phone.
    async fn scans_the_qr_code(&self, scheme: &str) -> String {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.browser.devtools("Emulation.setEmulatedMedia", media).await;
        self.script("document.querySelector('main svg').scrollIntoView({block: 'center'})").await;
        let image = self.screenshot("main svg[role=img]").await;
        // The Content-Security-Policy of the page does not allow it to read the image.
        let tab = self.tab().await;
        self.opens_a_tab().await;
        let pixels = self.browser.client.execute_async(PIXELS, vec![json!(image)]).await.unwrap();
        self.browser.client.close_window().await.unwrap();
        self.switches_to(&tab).await;
        let rows: Vec<String> = serde_json::from_value(pixels).unwrap();
        let is_dark = |x: usize, y: usize| rows[y].as_bytes()[x] == b'#';
        let (width, height) = (rows[0].len(), rows.len());
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(width, height, is_dark);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "{}", rows.join("\n"));
        grids[0].decode().unwrap().1
    }

    /// Allows the page to use the clipboard without asking the user.
    async fn allows_the_clipboard(&self) {
        let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.browser.devtools("Browser.grantPermissions", permissions).await;
    }

    /// Presses `Copy`, and returns the content of the clipboard.
    async fn copies(&self) -> String {
        self.presses("Copy").await;
        self.sees_text("status", "Copied").await;
        self.script("navigator.clipboard.readText()").await.as_str().unwrap().to_owned()
    }

    /// Copies a text, and pastes it into a field with the keyboard.
    async fn pastes(&self, name: &str, text: &str) {
        self.script(&format!("navigator.clipboard.writeText({})", json!(text))).await;
        let keys = format!("{}v", char::from(Key::Control));
        self.field(name).await.send_keys(&keys).await.unwrap();
        assert_eq!(self.value(name).await, text);
    }

    async fn logs_out(&self) {
        self.presses("Log out").await;
        self.until("location.pathname === '/login'").await;
        self.field("email").await;
    }
}

#[tokio::test]
async fn an_app_is_set_up_with_the_qr_code_and_its_codes_are_saved() {
    in_chromium(visit(async |ada| {
        ada.logs_in().await;
        let other = ada.server.log_in(EMAIL, PASSWORD);
        ada.allows_the_clipboard().await;
        ada.opens_the_factors().await;
        ada.sees_the_second_factor(Some("Off")).await;
        ada.presses("Set up an app").await;
        ada.is_led_to("Set up an app").await;
        ada.can_read_the_page().await;
        assert!(ada.names("image").await.concat().contains("QR code"));

        let shown = ada.script("document.querySelector('main .code-text').innerText").await;
        let shown = shown.as_str().unwrap().to_owned();
        assert_eq!(shown.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8], "{shown}");
        let secret = shown.replace(' ', "");
        for scheme in ["light", "dark"] {
            let uri = ada.scans_the_qr_code(scheme).await;
            let start = "otpauth://totp/localhost:Ada%40example.com?";
            assert!(uri.starts_with(start) && uri.contains(&format!("secret={secret}")), "{uri}");
        }
        assert_eq!(ada.copies().await, secret);

        let app = App::new(&shown);
        ada.types("code", &app.wrong_code()).await;
        ada.presses("Turn on").await;
        ada.sees_the_error("code", "Enter the code that your app shows now").await;
        assert_eq!(ada.value("code").await, "");
        assert_eq!(ada.server.me(&other).status, 200);
        let code = app.code();
        let (start, end) = code.split_at(3);
        ada.types("code", &format!("{start} {end}")).await;
        ada.presses("Turn on").await;

        ada.is_led_to("Save your recovery codes").await;
        ada.sees_text("status", "Two-step log-in is on").await;
        ada.can_read_the_page().await;
        let codes = ada.recovery_codes().await;
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 29), "{codes:?}");
        assert_eq!(ada.copies().await, codes.join("\n"));
        let text = ada.downloads("Download", "recovery-codes.txt").await;
        ada.sees_text("status", "recovery-codes.txt").await;
        assert!(codes.iter().all(|code| text.contains(code)) && text.contains(EMAIL), "{text}");

        ada.presses("I have saved them").await;
        ada.is_led_to("Two-step log-in").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.until("document.querySelector('main').innerText.includes('10 recovery codes left')")
            .await;
        ada.sees_nothing_secret(&[&secret, &shown, &codes[0]]).await;
        assert_eq!(ada.server.me(&other).status, 401, "other sessions have ended");
        ada.opens_the_factors().await;
        ada.sees_nothing_secret(&[&secret, &shown, &codes[0]]).await;
    }))
    .await;
}

impl Visitor {
    /// Checks that neither the page nor the storage contains any of these texts.
    async fn sees_nothing_secret(&self, secrets: &[&str]) {
        let text = "document.documentElement.outerHTML + JSON.stringify(localStorage)
            + JSON.stringify(sessionStorage) + JSON.stringify(history.state)";
        let text = self.script(text).await;
        for secret in secrets {
            assert!(!text.as_str().unwrap().contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn the_password_alone_opens_no_session_and_a_code_does() {
    in_chromium(visit(async |ada| {
        let SetUp { app, .. } = ada.signs_up_with_an_app();
        ada.open("/settings").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.field("remember").await.click().await.unwrap();
        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        ada.until("document.activeElement.name === 'code'").await;
        ada.until("document.title.startsWith('Two-step log-in')").await;
        ada.can_read_the_page().await;
        assert!(ada.refresh_cookie().await.is_none());
        let stored = "sessionStorage.length + localStorage.length";
        assert_eq!(ada.script(stored).await, 0);
        for attribute in ["inputmode=numeric", "autocomplete=one-time-code"] {
            ada.until(&format!("document.querySelector('main input[name=code][{attribute}]')"))
                .await;
        }

        ada.enters_the_code("").await;
        ada.sees_the_error("code", "Enter the code").await;
        ada.enters_the_code(&app.wrong_code()).await;
        ada.sees_the_error("code", "This code is not correct").await;
        assert_eq!(ada.value("code").await, "");
        assert!(ada.refresh_cookie().await.is_none());
        // A code can be used once, so one that somebody has seen in use is worthless.
        let code = app.code();
        let answer = ada.sends_a_code(&ada.ticket(PASSWORD), &code);
        assert_eq!(answer.status, 200, "{}", answer.body);
        ada.enters_the_code(&code).await;
        ada.sees_the_error("code", "has already been used").await;
        ada.enters_the_code(&app.next_code()).await;
        ada.arrives_at("/settings").await;
        ada.sees_the_second_factor(Some("On")).await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false, "it is remembered");
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn a_recovery_code_is_accepted_once_and_however_it_is_typed() {
    visit(async |ada| {
        let SetUp { app, recovery_codes, .. } = ada.signs_up_with_an_app();
        let typed = recovery_codes[0].to_lowercase().replace('-', " ");
        ada.reaches_the_second_step().await;
        ada.presses("Use a recovery code").await;
        ada.until("document.activeElement.name === 'recovery_code'").await;
        ada.can_read_the_page().await;
        ada.enters_the_recovery_code("ABCD-EFGH-JKMN-PQRS-TVWX-YZ23").await;
        ada.sees_the_error("recovery_code", "This recovery code is not correct").await;
        assert_eq!(ada.value("recovery_code").await, "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23");
        // The other form does not show the error.
        ada.presses("Use a code from your app").await;
        ada.until("document.activeElement.name === 'code'").await;
        ada.until("!document.querySelector('main [role=alert], main [aria-invalid]')").await;
        ada.presses("Use a recovery code").await;
        ada.until("!document.querySelector('main [role=alert], main [aria-invalid]')").await;
        ada.enters_the_recovery_code(&typed).await;
        ada.arrives_at("/private").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], true, "it is not remembered");

        ada.logs_out().await;
        ada.reaches_the_second_step().await;
        ada.presses("Use a recovery code").await;
        ada.enters_the_recovery_code(&typed).await;
        ada.sees_the_error("recovery_code", "has already been used").await;
        // Too many wrong app codes do not lock out recovery codes.
        for _ in 0..10 {
            ada.sends_a_code(&ada.ticket(PASSWORD), &app.wrong_code());
        }
        ada.presses("Use a code from your app").await;
        ada.enters_the_code(&app.code()).await;
        ada.sees_text("alert", "Too many attempts.").await;
        ada.sees_text("alert", "You can use a recovery code instead.").await;
        ada.presses("Use a recovery code").await;
        ada.enters_the_recovery_code(&recovery_codes[1]).await;
        ada.arrives_at("/private").await;
        ada.opens_the_factors().await;
        ada.until("document.querySelector('main').innerText.includes('8 recovery codes left')")
            .await;
    })
    .await;
}

/// A user does not have to type or remember anything (WCAG 2.2, 3.3.8).
#[tokio::test]
async fn a_password_and_codes_can_be_pasted() {
    in_chromium(visit(async |ada| {
        let SetUp { app, recovery_codes, .. } = ada.signs_up_with_an_app();
        ada.allows_the_clipboard().await;
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.pastes("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        // Many apps show and copy a space in the middle.
        let code = app.wrong_code();
        let (start, end) = code.split_at(3);
        ada.pastes("code", &format!("{start} {end}")).await;
        ada.presses("Continue").await;
        ada.sees_the_error("code", "This code is not correct").await;
        ada.presses("Use a recovery code").await;
        ada.pastes("recovery_code", &recovery_codes[0]).await;
        ada.presses("Continue").await;
        ada.arrives_at("/private").await;
    }))
    .await;
}

#[tokio::test]
async fn a_log_in_starts_over_if_the_user_wants_or_the_ticket_is_not_valid() {
    visit(async |ada| {
        let SetUp { app, token, .. } = ada.signs_up_with_an_app();
        ada.open("/login").await;
        ada.field("remember").await.click().await.unwrap();
        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        ada.presses("Start over").await;
        ada.until("document.activeElement.name === 'email'").await;
        assert_eq!(ada.heading().await, "Log in");
        assert_eq!(ada.script(REMEMBER).await, true);
        ada.field("remember").await.click().await.unwrap();
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.presses("Start over").await;
        ada.until("document.activeElement.name === 'email'").await;
        assert_eq!(ada.script(REMEMBER).await, false);
        ada.field("remember").await.click().await.unwrap();
        assert_eq!(
            (ada.value("email").await, ada.value("password").await),
            (EMAIL.to_owned(), String::new())
        );
        ada.until("!document.querySelector('main [role=alert]')").await;
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;

        // The ticket is only in the memory of the page.
        ada.browser.client.refresh().await.unwrap();
        ada.field("email").await;
        assert_eq!(ada.heading().await, "Log in");
        assert_eq!(ada.value("email").await, "");
        assert_eq!(ada.script(REMEMBER).await, false);

        ada.field("remember").await.click().await.unwrap();
        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        let change = json!({"current_password": PASSWORD, "new_password": NEW}).to_string();
        let changed = ada.server.send_json("PUT", "/api/me/password", &bearer(&token), &change);
        assert_eq!(changed.status, 204, "{}", changed.body);
        ada.enters_the_code(&app.code()).await;
        ada.sees_text("alert", "This log-in is no longer valid. Log in again.").await;
        ada.until("document.activeElement.name === 'email'").await;
        assert_eq!(
            (ada.value("email").await, ada.refresh_cookie().await),
            (EMAIL.to_owned(), None)
        );
        assert_eq!(ada.script(REMEMBER).await, true);
        ada.types("password", NEW).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false, "it is remembered");
    })
    .await;
}

#[tokio::test]
async fn the_app_and_the_codes_can_be_replaced_and_turned_off() {
    visit(async |ada| {
        let SetUp { app, recovery_codes, .. } = ada.signs_up_with_an_app();
        ada.logs_in_with(&app).await;
        ada.opens_the_factors().await;
        ada.presses("New recovery codes").await;
        ada.is_led_to("Create new recovery codes?").await;
        ada.can_read_the_page().await;
        let text = ada.script("document.querySelector('dialog').innerText").await;
        assert!(text.as_str().unwrap().contains("no longer work"), "{text}");
        ada.presses("Cancel").await;
        ada.until("document.activeElement.innerText === 'New recovery codes'").await;
        assert_eq!(ada.answers("path=\"/api/me/recovery-codes\""), 0);
        ada.asks_for_new_recovery_codes().await;
        ada.is_led_to("Save your recovery codes").await;
        let new_codes = ada.recovery_codes().await;
        assert!(new_codes.iter().all(|code| !recovery_codes.contains(code)));
        ada.presses("I have saved them").await;
        ada.sees_the_second_factor(Some("On")).await;

        ada.presses("Replace the app").await;
        ada.is_led_to("Set up an app").await;
        ada.presses("Cancel").await;
        ada.is_led_to("Two-step log-in").await;
        ada.lets_the_app_show_a_new_code();
        let answer = ada.sends_a_code(&ada.ticket(PASSWORD), &app.code());
        assert_eq!(answer.status, 200, "the app is still set up");
        ada.presses("Replace the app").await;
        let secret = "document.querySelector('main .code-text')?.innerText";
        ada.until(secret).await;
        let new_app = App::new(ada.script(secret).await.as_str().unwrap());
        ada.types("code", &new_app.code()).await;
        ada.presses("Turn on").await;
        ada.sees_text("status", "The app has been set up").await;
        ada.is_led_to("Two-step log-in").await;
        assert_eq!(ada.server.me(&answer.access_token()).status, 401, "other sessions have ended");
        let ticket = ada.ticket(PASSWORD);
        ada.lets_the_app_show_a_new_code();
        assert_eq!(ada.sends_a_code(&ticket, &app.code()).status, 422);
        let body = |code: &str| json!({"ticket": ticket, "recovery_code": code}).to_string();
        let path = "/api/token/second-factor";
        assert_eq!(ada.server.post(path, "", &body(&recovery_codes[0])).status, 422);
        assert_eq!(ada.server.post(path, "", &body(&new_codes[0])).status, 200);

        ada.presses("Turn off").await;
        ada.is_led_to("Turn off two-step log-in?").await;
        ada.can_read_the_page().await;
        ada.presses("Cancel").await;
        ada.until("!document.querySelector('dialog')").await;
        ada.until("document.activeElement.innerText === 'Turn off'").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.presses("Turn off").await;
        ada.is_led_to("Turn off two-step log-in?").await;
        ada.presses("Turn off").await;
        ada.sees_text("status", "Two-step log-in is off").await;
        ada.sees_the_second_factor(Some("Off")).await;
        ada.is_led_to("Two-step log-in").await;
        ada.logs_out().await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/private").await;
    })
    .await;
}
