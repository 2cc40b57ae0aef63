use serde_json::Value;

use crate::browser::in_chromium;
use crate::server::Server;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit, visit_with};

impl Visitor {
    /// Logs in and opens the settings. Returns the token.
    async fn logs_in_and_opens_the_settings(&self) -> String {
        let token = self.logs_in().await;
        self.follows("/settings").await;
        self.until("document.querySelector('.session')").await;
        token
    }

    async fn changes_the_password(&self, current: &str, new: &str) {
        self.types_passwords(current, new).await;
        self.presses("Change password").await;
    }

    /// Waits until a field has an error and the focus. Returns the text of the error.
    async fn error_at(&self, field: &str) -> String {
        self.until(&format!(
            "document.activeElement.name === '{field}'
             && document.activeElement.getAttribute('aria-invalid') === 'true'"
        ))
        .await;
        let described =
            "document.getElementById(document.activeElement.getAttribute('aria-describedby'))";
        assert_eq!(self.script(&format!("{described}.getAttribute('role')")).await, "alert");
        self.script(&format!("{described}.innerText")).await.as_str().unwrap().to_owned()
    }

    async fn sessions(&self) -> Value {
        self.script("document.querySelectorAll('.session').length").await
    }

    /// Waits until the page shows a message with this role and text.
    async fn sees_message(&self, role: &str, text: &str) {
        self.until(&format!(
            "[...document.querySelectorAll('main [role={role}]')].some(e => e.innerText.includes('{text}'))"
        ))
        .await;
    }
}

#[tokio::test]
async fn a_password_change_ends_the_session_in_another_browser() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.in_another_browser(async |other| {
            other.open("/login").await;
            other.submits_the_log_in_form().await;
            other.sees_the_account().await;
            ada.follows("/settings").await;
            ada.until("document.querySelectorAll('.session').length === 2").await;
            ada.changes_the_password(PASSWORD, NEW).await;
            ada.sees_message("status", "Your password has been changed").await;
            ada.until("document.querySelectorAll('.session').length === 1").await;
            for field in ["current_password", "new_password"] {
                assert_eq!(ada.value(field).await, "", "{field}");
            }
            other.follows("/settings").await;
            other.arrives_at("/login?next=%2Fsettings").await;
            other.sees_nothing_private().await;
            // The old password is rejected, and the new one is accepted.
            other.submits_the_log_in_form().await;
            assert!(!other.message("alert").await.is_empty());
            other.types("password", NEW).await;
            other.presses("Log in").await;
            other.arrives_at("/settings").await;
        })
        .await;
        ada.follows("/private").await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn password_errors_are_shown_at_their_field() {
    visit_with(&["--password-min-length", "12"], async |ada| {
        ada.logs_in_and_opens_the_settings().await;
        ada.changes_the_password("another long walk", NEW).await;
        assert!(ada.error_at("current_password").await.contains("Incorrect password"));
        assert_eq!(ada.value("new_password").await, NEW);
        ada.changes_the_password(PASSWORD, "elevenchars").await;
        assert!(ada.error_at("new_password").await.contains("at least 12 characters"));
        ada.changes_the_password(PASSWORD, "ADA@example.com").await;
        assert!(!ada.error_at("new_password").await.is_empty());
        ada.presses("Show new password").await;
        ada.until("document.querySelector('[name=new_password]').type === 'text'").await;
        ada.until("document.querySelector('[name=current_password]').type === 'password'").await;
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn one_session_can_be_ended_and_then_all_others() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        let body = crate::server::credentials(EMAIL, PASSWORD);
        let header = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n";
        let firefox = ada.server.post("/api/token", header, &body).access_token();
        let others = [ada.server.log_in(EMAIL, PASSWORD), ada.server.log_in(EMAIL, PASSWORD)];
        ada.logs_in_and_opens_the_settings().await;
        assert_eq!(ada.sessions().await, 4);
        let current = "[...document.querySelectorAll('.session')].filter(e => e.innerText.includes('This session'))";
        assert_eq!(ada.script(&format!("{current}.length")).await, 1);
        assert_eq!(ada.script(&format!("{current}[0].querySelectorAll('button').length")).await, 0);
        assert_eq!(ada.script(&format!("{current}[0].innerText.includes('Chrome on Linux')")).await, true);

        let on_linux = "[...document.querySelectorAll('.session')].find(e => e.innerText.includes('Firefox on Linux'))";
        let button = format!("{on_linux}.querySelector('button')");
        let name = "document.getElementById(id).innerText";
        let name = ada.script(&format!("{button}.getAttribute('aria-labelledby').split(' ').map(id => {name}).join(' ')")).await;
        let name = name.as_str().unwrap();
        assert!(name.starts_with("End session Firefox on Linux") && name.contains("127.0.0.1"), "{name}");
        ada.script(&format!("{button}.click()")).await;
        ada.until("document.querySelectorAll('.session').length === 3").await;
        ada.sees_message("status", "ended").await;
        assert_eq!(ada.server.me(&firefox).code(), "invalid_token");
        ada.until("document.querySelector('main').contains(document.activeElement)").await;

        ada.presses("End all other sessions").await;
        ada.until("document.querySelectorAll('.session').length === 1").await;
        for token in &others {
            assert_eq!(ada.server.me(token).code(), "invalid_token");
        }
        let buttons = "[...document.querySelectorAll('button')].filter(b => b.innerText.startsWith('End'))";
        assert_eq!(ada.script(&format!("{buttons}.length")).await, 0);
        ada.follows("/private").await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_can_be_ended_from_another_browser() {
    visit(async |ada| {
        ada.logs_in_and_opens_the_settings().await;
        ada.in_another_browser(async |other| {
            other.open("/login?next=/settings").await;
            other.submits_the_log_in_form().await;
            other.until("document.querySelectorAll('.session').length === 2").await;
            other.script("document.querySelector('.session button').click()").await;
            other.until("document.querySelectorAll('.session').length === 1").await;
        })
        .await;
        ada.changes_the_password(PASSWORD, NEW).await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        assert!(ada.message("status").await.contains("ended"));
        assert_eq!(ada.token().await, None);
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn the_data_can_be_downloaded() {
    in_chromium(visit(async |ada| {
        ada.logs_in_and_opens_the_settings().await;
        let text = ada.downloads("Download my data", "account-data.json").await;
        ada.sees_message("status", "account-data.json").await;
        let export: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(export["user"]["email"], EMAIL);
        assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
        assert!(!text.contains("$pbkdf2"));
    }))
    .await;
}

#[tokio::test]
async fn deleting_an_account_requires_its_password() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in_and_opens_the_settings().await;
        ada.presses("Delete account").await;
        ada.types("password", "another long walk").await;
        ada.presses("Delete account").await;
        assert!(ada.error_at("password").await.contains("Incorrect password"));
        assert_eq!(ada.server.me(&token).status, 200);
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/login").await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        let second = ada.tab().await;
        ada.switches_to(&first).await;
        ada.types("password", PASSWORD).await;
        ada.script("sessionStorage.setItem('another', 'value')").await;
        ada.presses("Delete account").await;
        ada.arrives_at("/").await;
        ada.sees_message("status", "deleted").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        ada.has_stored_only_the_end_of_a_session().await;
        assert_eq!(ada.server.me(&token).code(), "invalid_token");
        ada.switches_to(&second).await;
        ada.until("location.pathname === '/login'").await;
        ada.sees_nothing_private().await;
        assert_eq!(ada.server.sign_up(EMAIL, PASSWORD).status, 201);
    }))
    .await;
}

#[tokio::test]
async fn a_fragment_leads_to_its_section_after_the_lists_have_loaded() {
    visit(async |ada| {
        ada.logs_in().await;
        for section in ["settings-sessions", "settings-export", "settings-deletion"] {
            ada.open("/").await;
            ada.open(&format!("/settings#{section}")).await;
            ada.until("document.querySelector('.session') && document.querySelector('.event')")
                .await;
            ada.until(&format!("document.activeElement.id === '{section}'")).await;
            ada.until(
                "((box, page) => box.bottom <= innerHeight && (
                    (box.top >= 0 && box.top < 50)
                    || Math.abs(page.scrollTop + page.clientHeight - page.scrollHeight) < 2
                ))(document.activeElement.getBoundingClientRect(), document.documentElement)",
            )
            .await;
        }
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.open("/settings#settings-deletion").await;
        ada.arrives_at("/login?next=%2Fsettings%23settings-deletion").await;
        ada.submits_the_log_in_form().await;
        ada.until("document.activeElement.id === 'settings-deletion'").await;
        ada.until("scrollY > 0").await;
    })
    .await;
}

#[tokio::test]
async fn a_network_failure_is_shown_and_the_typed_text_is_kept() {
    visit(async |ada| {
        let token = ada.logs_in_and_opens_the_settings().await;
        ada.server.signal("KILL");
        ada.changes_the_password(PASSWORD, NEW).await;
        ada.sees_message("alert", "cannot be reached").await;
        assert_eq!(ada.value("current_password").await, PASSWORD);
        assert_eq!(ada.value("new_password").await, NEW);
        ada.until("document.activeElement.closest('form')").await;
        assert_eq!(ada.token().await, Some(token));
        assert_eq!(ada.script("location.pathname").await, "/settings");
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses("Change password").await;
        ada.sees_message("status", "Your password has been changed").await;
    })
    .await;
}

#[tokio::test]
async fn without_a_session_the_settings_show_nothing() {
    visit(async |ada| {
        ada.open("/settings").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/settings").await;
        ada.until("document.querySelector('.session')").await;
    })
    .await;
}
