use super::{assert_text, messages};

#[test]
fn every_notice_of_a_change_of_second_factors_has_its_text() {
    let messages = messages();
    let find = |kind: &str| messages.iter().find(|message| message.kind() == kind).unwrap();
    let changes = [
        (
            "second_factor_on",
            "Two-step log-in was turned on",
            "\
Two-step log-in was turned on for your account. To log in with your
password, you now also need your app, a passkey or a recovery code. All
other sessions were ended.
",
        ),
        (
            "second_factor_off",
            "Two-step log-in was turned off",
            "\
Two-step log-in was turned off for your account. To log in, you only need
your password. All other sessions were ended.
",
        ),
        (
            "totp_replaced",
            "Your app for two-step log-in was changed",
            "\
An app was set up for the two-step log-in of your account. The app that you
used before, if there was one, no longer works. All other sessions were
ended.
",
        ),
        (
            "recovery_code_used",
            "A recovery code was used",
            "\
Somebody logged in to your account with one of its recovery codes, which
cannot be used again.
",
        ),
        (
            "recovery_codes_renewed",
            "Your recovery codes were replaced",
            "\
The recovery codes of your account were replaced by new ones. The old ones
no longer work.
",
        ),
        (
            "passkey_added",
            "A passkey was added",
            "\
A passkey was added to your account. With it, you can log in without your
password.
",
        ),
        (
            "passkey_removed",
            "A passkey was removed",
            "\
A passkey was removed from your account. All other sessions were ended.
",
        ),
    ];
    for (kind, subject, change) in changes {
        let text = format!(
            "{change}
REQUEST

If this was not you, reset your password now:

https://auth.example.com/forgot

Then log in, and check your app, your recovery codes and your passkeys in
the settings:

https://auth.example.com/settings

If you cannot log in, contact the administrator of the service.
"
        );
        assert_text(find(kind), &format!("{subject} at Example"), &text);
    }
}

#[test]
fn every_notice_of_a_failed_second_factor_has_its_text() {
    let messages = messages();
    let find = |kind: &str| messages.iter().find(|message| message.kind() == kind).unwrap();
    assert_text(
        find("second_factor_locked_out"),
        "Too many wrong codes were entered at Example",
        "\
Somebody entered too many wrong codes for the two-step log-in of your
account. Further codes are not accepted for a while.

REQUEST

If this was not you, somebody else may know your password. Reset it now:

https://auth.example.com/forgot
",
    );
    assert_text(
        find("passkey_counter_regressed"),
        "A passkey was rejected at Example",
        "\
Somebody tried to log in to your account with one of your passkeys. It was
rejected, because it may have been copied.

REQUEST

If this was not you, reset your password now:

https://auth.example.com/forgot

Remove this passkey in the settings, even if this was you, and add a new
one:

https://auth.example.com/settings
",
    );
}
