//! `--sign-up off`: only operators create accounts.

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::success;

#[test]
fn without_sign_up_only_operators_create_accounts() {
    let app = TestApp::with_options(&["--sign-up", "off"]);
    let rejected = app.sign_up(EMAIL, PASSWORD);
    assert_eq!((rejected.status, rejected.code().as_str()), (403, "sign_up_disabled"));
    success(&app.operator().users_with_input(&["create", EMAIL], PASSWORD));
    app.log_in(EMAIL, PASSWORD);
}
