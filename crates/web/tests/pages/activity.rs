use api_types::{ActivityActor, ActivityEvent, ActivityKind};
use web::components::{ActivityList, ActivityListProps};

use crate::html::render;

fn event(kind: ActivityKind, actor: ActivityActor, ip: Option<&str>) -> ActivityEvent {
    ActivityEvent {
        at: "2026-04-15T10:00:00Z".to_owned(),
        kind,
        actor,
        session_id: None,
        user_agent: ip.map(|_| "curl/8.5.0".to_owned()),
        ip: ip.map(str::to_owned),
        amr: Vec::new(),
        detail: None,
    }
}

fn list(events: Vec<ActivityEvent>) -> String {
    render::<ActivityList>(ActivityListProps { events })
}

#[test]
fn an_event_is_shown_with_its_time_and_origin() {
    let event = event(ActivityKind::SignInFailed, ActivityActor::User, Some("192.0.2.1"));
    let html = list(vec![event]);
    assert!(html.contains("Log-in failed</dt>"), "{html}");
    assert!(html.contains("datetime=\"2026-04-15T10:00:00Z\""), "{html}");
    assert!(html.contains("192.0.2.1") && html.contains("A program (curl)"), "{html}");
}

#[test]
fn an_event_caused_by_an_operator_is_shown_without_an_origin() {
    let html = list(vec![event(ActivityKind::PasswordChanged, ActivityActor::Operator, None)]);
    assert!(html.contains("An administrator set the password"), "{html}");
    assert!(!html.contains("from"), "{html}");
}

#[test]
fn ten_events_are_shown_at_first_with_a_button_for_the_others() {
    let events = |n| vec![event(ActivityKind::SignedIn, ActivityActor::User, None); n];
    let count = |html: &str| html.matches("<dt").count();
    let (few, many) = (list(events(10)), list(events(11)));
    assert_eq!((count(&few), few.contains("<button")), (10, false));
    assert_eq!((count(&many), many.contains(">Show all 11</button>")), (10, true));
}

#[test]
fn an_unknown_kind_is_parsed_as_other() {
    let text = r#"{"at":"2026-04-15T10:00:00Z","kind":"from_the_future","actor":"user","session_id":null,"user_agent":null,"ip":null}"#;
    let event: ActivityEvent = serde_json::from_str(text).unwrap();
    assert_eq!(event.kind, ActivityKind::Other);
}

#[test]
fn a_log_in_is_described_by_its_methods() {
    for (amr, words) in [
        (&[] as &[&str], "Logged in"),
        (&["pwd"], "Logged in"),
        (&["pwd", "otp", "mfa"], "Logged in with a password and a code"),
        (&["pwd", "pop", "mfa"], "Logged in with a password and a passkey"),
        (&["pop", "user", "mfa"], "Logged in with a passkey"),
        (&["otp"], "Logged in by e-mail"),
    ] {
        let mut event = event(ActivityKind::SignedIn, ActivityActor::User, None);
        event.amr = amr.iter().map(|method| (*method).to_owned()).collect();
        assert_eq!(web::format::activity(&event), words);
    }
}

#[test]
fn every_known_kind_has_a_text_of_its_own() {
    let kinds = ActivityKind::ALL.iter().filter(|kind| **kind != ActivityKind::Other);
    let text =
        |kind: &ActivityKind| web::format::activity(&event(*kind, ActivityActor::User, None));
    let texts: Vec<_> = kinds.map(text).collect();
    for (at, known) in texts.iter().enumerate() {
        assert_ne!(*known, text(&ActivityKind::Other));
        assert!(!texts[..at].contains(known), "{known}");
        assert!(!known.to_lowercase().contains("email"), "the pages write \"e-mail\": {known}");
    }
}
