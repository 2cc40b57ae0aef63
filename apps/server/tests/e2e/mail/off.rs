use crate::visitor::visit;

#[tokio::test]
async fn without_mail_no_page_mentions_it() {
    visit(async |ada| {
        ada.logs_in().await;
        for path in ["/private", "/settings", "/login", "/signup"] {
            ada.open(path).await;
            ada.heading().await;
            let links = "document.querySelectorAll('a[href^=\"/forgot\"], a[href^=\"/verify\"], \
                         a[href^=\"/login/email\"], input[name=new_email]').length";
            assert_eq!(ada.script(links).await, 0, "{path}");
        }
        for path in ["/forgot", "/reset", "/verify", "/login/email"] {
            assert_eq!(ada.server.get(path).status, 404, "{path}");
        }
    })
    .await;
}
