use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{EMAIL, Visitor};

async fn logs_in_again(ada: &Visitor) {
    ada.submits_the_log_in_form().await;
}

/// Signs up and opens the link of the mail, which leads to the log-in page. Returns the code.
async fn opens_a_link_signed_out(ada: &Visitor) -> String {
    ada.signs_up().await;
    let mail = ada.mail(EMAIL, 1).await;
    ada.open("/nothing").await;
    ada.open(&mail.link("/verify")).await;
    ada.until("location.pathname === '/login'").await;
    mail.code()
}

#[tokio::test]
async fn a_new_user_confirms_the_email_address_with_the_code() {
    visit_with_mail(&[], async |ada| {
        ada.signs_up().await;
        logs_in_again(ada).await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        // The notice on the private page leads to the page for the code.
        ada.until("document.querySelector('main .notice a[href=\"/verify\"]')").await;
        // The link looks like the text around it, because the accent colour of an app may have a
        // low contrast here.
        let style = "((link) => [getComputedStyle(link).color
                === getComputedStyle(link.parentElement).color,
            getComputedStyle(link).textDecorationLine])(document.querySelector('main .notice a'))";
        assert_eq!(ada.script(style).await, serde_json::json!([true, "underline"]));
        ada.follows_on_the_page("/verify").await;
        ada.arrives_at("/verify").await;
        assert_eq!(ada.heading().await, "Confirm your e-mail address");

        ada.types("code", "0000-0000").await;
        ada.presses("Confirm").await;
        assert!(ada.message("alert").await.contains("not correct"));

        let code = ada.mail(EMAIL, 1).await.code();
        ada.types("code", &code.to_lowercase().replace('-', " ")).await;
        ada.presses("Confirm").await;
        ada.until("!document.querySelector('main input[name=code]')").await;
        ada.open("/settings").await;
        ada.until("document.querySelector('main').innerText.includes('Confirmed')").await;
        ada.open("/private").await;
        ada.sees_the_account().await;
        ada.until("!document.querySelector('main a[href=\"/verify\"]')").await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_opened_signed_out_leads_through_the_log_in_and_back() {
    visit_with_mail(&[], async |ada| {
        let code = opens_a_link_signed_out(ada).await;
        // The code is only in the memory of the page.
        let stored = "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}])";
        assert!(!ada.script(stored).await.as_str().unwrap().contains(&code));
        logs_in_again(ada).await;
        ada.until("location.pathname === '/verify'").await;
        assert_eq!(ada.value("code").await, code);
        assert!(!ada.server.log().contains("method=PUT path=\"/api/me/email/verification\""));
        ada.presses("Confirm").await;
        ada.open("/settings").await;
        ada.until("document.querySelector('main').innerText.includes('Confirmed')").await;
    })
    .await;
}

#[tokio::test]
async fn the_code_of_a_link_is_kept_by_way_of_the_sign_up_page() {
    visit_with_mail(&[], async |ada| {
        let code = opens_a_link_signed_out(ada).await;
        ada.follows_on_the_page("/signup").await;
        ada.arrives_at("/signup?next=%2Fverify").await;
        ada.follows_on_the_page("/login").await;
        ada.arrives_at("/login?next=%2Fverify").await;
        logs_in_again(ada).await;
        ada.arrives_at("/verify").await;
        assert_eq!(ada.value("code").await, code);
    })
    .await;
}

#[tokio::test]
async fn the_page_for_the_code_says_why_it_leads_to_the_log_in_page() {
    visit_with_mail(&[], async |ada| {
        ada.open("/verify").await;
        ada.until("location.pathname === '/login'").await;
        assert!(ada.message("status").await.contains("Log in to confirm your e-mail address."));
    })
    .await;
}

#[tokio::test]
async fn only_the_newest_code_works_and_five_wrong_tries_end_it() {
    visit_with_mail(&[], async |ada| {
        ada.signs_up().await;
        logs_in_again(ada).await;
        ada.arrives_at("/private").await;
        let first = ada.mail(EMAIL, 1).await.code();
        ada.open("/verify").await;
        ada.types("code", &first).await;
        ada.presses("Send a new code").await;
        let second = ada.mail(EMAIL, 2).await.code();
        // The first code no longer works, so it is removed.
        ada.until("document.querySelector('main input[name=code]').value === ''").await;
        for tries in 1..=5 {
            ada.types("code", &first).await;
            ada.presses("Confirm").await;
            let expected = if tries < 5 { "not correct" } else { "no longer valid" };
            ada.until(&format!(
                "document.querySelector('main [role=alert]')?.innerText.includes('{expected}')
                 && !document.querySelector('main [aria-busy=true]')"
            ))
            .await;
        }
        ada.types("code", &second).await;
        ada.presses("Confirm").await;
        ada.until("document.querySelector('main [role=alert]')?.innerText.includes('no longer')")
            .await;
        ada.presses("Send a new code").await;
        let third = ada.mail(EMAIL, 3).await.code();
        ada.types("code", &third).await;
        ada.presses("Confirm").await;
        ada.until("!document.querySelector('main input[name=code]')").await;
        ada.open("/settings").await;
        ada.until("document.querySelector('main').innerText.includes('Confirmed')").await;
    })
    .await;
}

#[tokio::test]
async fn an_expired_link_leads_to_a_new_code_and_a_used_one_says_so() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        let expired = ada.mail(EMAIL, 1).await.link("/verify");
        ada.lets_codes_expire();
        ada.open(&expired).await;
        ada.presses("Confirm").await;
        assert!(ada.message("alert").await.contains("no longer valid. Request a new one"));

        ada.presses("Send a new code").await;
        let link = ada.mail(EMAIL, 2).await.link("/verify");
        ada.open(&link).await;
        assert_eq!(ada.value("code").await, ada.mail(EMAIL, 2).await.code());
        ada.presses("Confirm").await;
        let confirmed = format!("{EMAIL} is confirmed");
        assert!(ada.message("status").await.contains(&confirmed));
        ada.open("/nothing").await;
        ada.open(&link).await;
        ada.until(&format!("document.querySelector('main').innerText.includes('{confirmed}')"))
            .await;
    })
    .await;
}
