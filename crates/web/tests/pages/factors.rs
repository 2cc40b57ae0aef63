use api_types::{Factors, Passkey, PendingTotp, RecoveryCodeCount, RecoveryCodes, Totp};
use web::components::{
    AppSetUp, AppSetUpProps, Failure, PasskeyList, PasskeyListProps, Progress, RecoveryCodeList,
    RecoveryCodeListProps, TwoStepAction, TwoStepOverview, TwoStepOverviewProps,
};
use web::messages::FieldProblem;
use yew::{AttrValue, Callback, Html, html};

use crate::html::{attribute, buttons, disabled, items, render, tag, text};
use crate::qr_code::scan;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const URI: &str = "otpauth://totp/Latchkey:Ada%40Example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                   &issuer=Latchkey";

fn off() -> Factors {
    Factors { second_factor: false, totp: None, recovery_codes: None, passkeys: Vec::new() }
}

fn with_app(left: u32) -> Factors {
    let created_at = "2026-04-14T09:30:00Z".to_owned();
    let last_used_at = Some("2026-04-15T10:00:00Z".to_owned());
    Factors {
        second_factor: true,
        totp: Some(Totp { created_at: created_at.clone(), last_used_at }),
        recovery_codes: Some(RecoveryCodeCount { left, created_at }),
        passkeys: Vec::new(),
    }
}

fn passkey(id: &str, name: &str, synced: bool) -> Passkey {
    Passkey {
        id: id.to_owned(),
        name: name.to_owned(),
        created_at: "2026-04-14T09:30:00Z".to_owned(),
        last_used_at: synced.then(|| "2026-04-15T10:00:00Z".to_owned()),
        synced,
        credential_id: "AAAA".to_owned(),
    }
}

fn overview(factors: Factors) -> String {
    overview_with(TwoStepOverviewProps {
        factors,
        unverified: false,
        pending: None,
        failure: None,
        onaction: Callback::noop(),
    })
}

fn overview_with(props: TwoStepOverviewProps) -> String {
    render::<TwoStepOverview>(props)
}

fn set_up(progress: Progress) -> String {
    let pending = PendingTotp { secret: SECRET.to_owned(), uri: URI.to_owned(), expires_in: 900 };
    let (onsubmit, oncancel) = (Callback::noop(), Callback::noop());
    render::<AppSetUp>(AppSetUpProps { pending, progress, onsubmit, oncancel })
}

#[test]
fn the_qr_code_contains_the_uri_and_has_a_light_margin_of_four_modules() {
    let html = set_up(Progress::default());
    assert_eq!(scan(&html), (URI.to_owned(), 4));
    assert_eq!(html.matches("<path").count(), 1);
    let svg = tag(&html, "role=\"img\"");
    assert!(svg.contains("aria-label=\"QR code"), "{svg}");
}

#[test]
fn a_long_uri_still_has_a_qr_code() {
    let uri = format!("{URI}&account={}", "%40".repeat(254));
    let pending = PendingTotp { secret: SECRET.to_owned(), uri: uri.clone(), expires_in: 900 };
    let html = render::<AppSetUp>(AppSetUpProps {
        pending,
        progress: Progress::default(),
        onsubmit: Callback::noop(),
        oncancel: Callback::noop(),
    });
    assert_eq!(scan(&html).0, uri);
}

#[test]
fn the_set_up_of_an_app_shows_the_secret_and_asks_for_a_code() {
    let html = set_up(Progress::default());
    assert!(html.contains(">GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ<"), "{html}");
    assert!(html.contains("within 15 minutes"), "{html}");
    let input = tag(&html, "name=\"code\"");
    for part in ["inputmode=\"numeric\"", "autocomplete=\"one-time-code\"", "type=\"text\""] {
        assert!(input.contains(part), "{input}");
    }
    let label = format!("for=\"{}\"", attribute(input, " id"));
    assert_eq!(text(&html, &label), "Code from your app");
    assert_eq!(buttons(&html), ["Copy", "Turn on", "Cancel"]);
    assert!(!html.contains("role=\"alert\"") && html.contains("notice-silent"), "{html}");
}

#[test]
fn a_wrong_code_is_described_at_its_input() {
    let problem = FieldProblem::CodeWrong;
    let failure = Failure::from_fields([(AppSetUp::FIELD, Some(problem))]);
    let html = set_up(Progress { attempts: 1, failure, ..Progress::default() });
    let input = tag(&html, "name=\"code\"");
    assert!(input.contains("aria-invalid=\"true\""), "{input}");
    let described_by = format!("id=\"{}\"", attribute(input, "aria-describedby"));
    assert_eq!(text(&html, &described_by), problem.text());
}

#[test]
fn recovery_codes_are_a_list_with_a_warning_and_ways_to_save_them() {
    let code = |at| format!("ABCD-EFGH-JKMN-PQRS-TVWX-YZ2{at}");
    let recovery_codes: Vec<_> = (0..10).map(code).collect();
    let html = render::<RecoveryCodeList>(RecoveryCodeListProps {
        codes: RecoveryCodes { recovery_codes: recovery_codes.clone() },
        email: "ada@example.com".into(),
        onsaved: Callback::noop(),
    });
    let items: Vec<_> = items(&html).iter().map(|item| item.rsplit_once('>').unwrap().1).collect();
    assert_eq!(items, recovery_codes);
    assert!(html.contains("you cannot see them again"), "{html}");
    assert_eq!(buttons(&html), ["Download", "Copy", "I have saved them"]);
}

#[test]
fn without_factors_two_step_log_in_is_off_and_an_app_can_be_set_up() {
    let html = overview(off());
    assert_eq!(text(&html, "setting-state"), "Off");
    assert_eq!(buttons(&html), ["Set up an app"]);
    assert!(!html.contains("recovery code") && !html.contains("notice"), "{html}");
}

#[test]
fn with_an_app_two_step_log_in_is_on_and_the_app_can_be_replaced() {
    let html = overview(with_app(10));
    assert_eq!(text(&html, "setting-state"), "On");
    assert!(html.contains("a code from your app.") && html.contains(", last used "), "{html}");
    assert!(html.contains(">10 recovery codes left<"), "{html}");
    assert_eq!(buttons(&html), ["New recovery codes", "Replace the app", "Turn off"]);
}

#[test]
fn with_passkeys_only_an_app_can_be_added() {
    let passkeys = vec![passkey("a", "Phone", true)];
    let html = overview(Factors { totp: None, passkeys, ..with_app(10) });
    assert!(html.contains("Latchkey asks for a passkey."), "{html}");
    assert_eq!(buttons(&html), ["New recovery codes", "Set up an app", "Turn off"]);
}

#[test]
fn a_warning_appears_when_few_recovery_codes_are_left() {
    for (left, words, is_warned) in [
        (4, ">4 recovery codes left<", false),
        (3, ">3 recovery codes left<", true),
        (1, ">1 recovery code left<", true),
        (0, ">0 recovery codes left<", true),
    ] {
        let html = overview(with_app(left));
        assert!(html.contains(words), "{html}");
        assert_eq!(html.contains("Create new recovery codes."), is_warned, "{left}");
    }
}

#[test]
fn an_unverified_user_is_asked_to_confirm_the_email_address_before_setting_up_an_app() {
    let html = |factors| {
        overview_with(TwoStepOverviewProps {
            factors,
            unverified: true,
            pending: None,
            failure: None,
            onaction: Callback::noop(),
        })
    };
    let (without, with) = (html(off()), html(with_app(10)));
    assert!(without.contains("href=\"/verify\""), "{without}");
    assert_eq!(buttons(&without), [] as [&str; 0]);
    assert_eq!(buttons(&with), ["New recovery codes", "Turn off"], "nothing is taken away");
}

#[test]
fn while_a_request_of_the_second_factor_is_pending_all_its_buttons_are_disabled() {
    for (pending, words) in [
        (TwoStepAction::Renew, "Creating…"),
        (TwoStepAction::SetUp, "Starting…"),
        (TwoStepAction::TurnOff, "Turning off…"),
    ] {
        let html = overview_with(TwoStepOverviewProps {
            factors: with_app(10),
            unverified: false,
            pending: Some(pending),
            failure: None,
            onaction: Callback::noop(),
        });
        assert_eq!(disabled(&html), 3, "{html}");
        assert_eq!(html.matches("aria-busy=\"true\"").count(), 1, "{html}");
        assert!(buttons(&html).contains(&words), "{html}");
    }
}

#[test]
fn an_error_of_the_second_factor_is_an_alert() {
    let html = overview_with(TwoStepOverviewProps {
        factors: with_app(10),
        unverified: false,
        pending: None,
        failure: Some("No network.".into()),
        onaction: Callback::noop(),
    });
    let (_, alert) = html.split_once("role=\"alert\"").unwrap();
    assert!(alert.contains("No network."), "{alert}");
}

fn passkeys(
    renaming: Option<(AttrValue, Html)>,
    removing: Option<AttrValue>,
    failure: Option<(AttrValue, AttrValue)>,
) -> String {
    let passkeys = vec![passkey("a", "Chrome on Android", true), passkey("b", "<b>Key</b>", false)];
    let (onrename, onremove) = (Callback::noop(), Callback::noop());
    let props = PasskeyListProps { passkeys, renaming, removing, failure, onrename, onremove };
    render::<PasskeyList>(props)
}

#[test]
fn each_passkey_is_listed_with_its_kind_and_its_times() {
    let html = passkeys(None, None, None);
    let [synced, bound] = items(&html)[..] else { panic!("{html}") };
    for part in [">Chrome on Android<", ">Synced<", "Added ", "Last used "] {
        assert!(synced.contains(part), "{synced}");
    }
    for part in [">&lt;b&gt;Key&lt;/b&gt;<", ">On one device<", "Added ", ">Never used<"] {
        assert!(bound.contains(part), "{bound}");
    }
}

#[test]
fn the_buttons_of_a_passkey_contain_its_name() {
    let html = passkeys(None, None, None);
    for id in ["a", "b"] {
        for (button, words) in [("rename", "Rename"), ("remove", "Remove")] {
            let tag = tag(&html, &format!(" id=\"{button}-{id}\""));
            let labelled_by = format!("aria-labelledby=\"{button}-{id} passkey-{id}\"");
            assert!(tag.contains(&labelled_by), "{tag}");
            assert_eq!(text(&html, &format!(" id=\"{button}-{id}\"")), words);
        }
    }
    assert_eq!(text(&html, " id=\"passkey-a\""), "Chrome on Android");
}

#[test]
fn a_form_takes_the_place_of_the_buttons_of_a_passkey_that_is_being_renamed() {
    let html = passkeys(Some(("b".into(), html! { <form /> })), None, None);
    let [other, renamed] = items(&html)[..] else { panic!("{html}") };
    assert!(other.contains("<button") && !other.contains("<form"), "{other}");
    assert!(!renamed.contains("<button") && renamed.contains("<form"), "{renamed}");
}

#[test]
fn while_a_passkey_is_being_removed_all_buttons_are_disabled() {
    let html = passkeys(None, Some("b".into()), None);
    assert_eq!(disabled(&html), 4, "{html}");
    assert!(tag(&html, "aria-busy=\"true\"").contains("id=\"remove-b\""), "{html}");
    assert_eq!(text(&html, "id=\"remove-b\""), "Removing…");
}

#[test]
fn an_error_is_shown_at_its_passkey() {
    let html = passkeys(None, None, Some(("b".into(), "No network.".into())));
    let [other, failed] = items(&html)[..] else { panic!("{html}") };
    assert!(!other.contains("role=\"alert\""), "{other}");
    assert!(failed.contains("role=\"alert\"") && failed.contains("No network."), "{failed}");
}

#[test]
fn without_passkeys_a_sentence_says_so() {
    let html = render::<PasskeyList>(PasskeyListProps {
        passkeys: Vec::new(),
        renaming: None,
        removing: None,
        failure: None,
        onrename: Callback::noop(),
        onremove: Callback::noop(),
    });
    assert!(html.contains("You have no passkeys.") && !html.contains("<ul"), "{html}");
}
