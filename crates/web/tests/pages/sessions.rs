use api_types::Session;
use web::components::{
    BusyButton, BusyButtonProps, EndSessions, SessionsList, SessionsListProps, TimeAgo,
    TimeAgoProps,
};
use yew::{AttrValue, Callback};

use crate::html::{items, render, tag, text};

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0";

fn session(id: &str, current: bool, user_agent: Option<&str>, ip: Option<&str>) -> Session {
    Session {
        id: id.to_owned(),
        current,
        created_at: "2026-04-14T09:30:00Z".to_owned(),
        last_seen_at: "2026-04-15T10:00:00Z".to_owned(),
        user_agent: user_agent.map(str::to_owned),
        ip: ip.map(str::to_owned),
    }
}

fn here() -> Session {
    session("here", true, Some("curl/8.5.0"), Some("127.0.0.1"))
}

fn elsewhere() -> [Session; 2] {
    [
        session("first", false, Some(FIREFOX), Some("192.168.1.20")),
        session("second", false, None, None),
    ]
}

fn list(sessions: Vec<Session>, ending: Option<EndSessions>) -> String {
    show(sessions, ending, None)
}

fn show(
    sessions: Vec<Session>,
    ending: Option<EndSessions>,
    failure: Option<(EndSessions, AttrValue)>,
) -> String {
    let onend = Callback::noop();
    render::<SessionsList>(SessionsListProps { sessions, ending, failure, onend })
}

fn everywhere(ending: Option<EndSessions>) -> String {
    let [first, second] = elsewhere();
    list(vec![here(), first, second], ending)
}

#[test]
fn the_current_session_is_marked_and_has_no_button() {
    let html = everywhere(None);
    let [here, others @ ..] = &items(&html)[..] else { panic!("{html}") };
    assert!(here.contains("This session") && !here.contains("<button"), "{here}");
    for other in others {
        assert!(!other.contains("This session") && other.contains(">End session</button>"));
    }
}

#[test]
fn each_session_is_shown_with_device_ip_address_and_times() {
    let html = everywhere(None);
    let items = items(&html);
    for (item, words) in items.iter().zip([
        ["A program (curl)", "from the server's own machine (127.0.0.1)"],
        ["Firefox on Windows", "from the local network (192.168.1.20)"],
        ["Unknown device", "from an unknown address"],
    ]) {
        assert!(words.iter().all(|words| item.contains(words)), "{item}");
        assert_eq!(text(item, "datetime=\"2026-04-14T09:30:00Z\""), "2026-04-14");
        assert_eq!(text(item, "datetime=\"2026-04-15T10:00:00Z\""), "2026-04-15");
    }
}

#[test]
fn each_button_is_labelled_by_its_session() {
    let html = everywhere(None);
    for (id, words) in [("first", "Firefox on Windows"), ("second", "Unknown device")] {
        let button = tag(&html, &format!(" id=\"end-{id}\""));
        let labelled_by = format!("aria-labelledby=\"end-{id} session-{id}\"");
        assert!(button.contains(&labelled_by), "{button}");
        let (_, object) = html.split_once(&format!(" id=\"session-{id}\"")).unwrap();
        assert!(object.split_once("</div>").unwrap().0.contains(words), "{object}");
    }
}

#[test]
fn an_error_is_shown_next_to_its_button() {
    let [first, second] = elsewhere();
    let alert_after = |target: EndSessions, id: &str| {
        let sessions = vec![here(), first.clone(), second.clone()];
        let html = show(sessions, None, Some((target, "No network.".into())));
        assert_eq!(html.matches("role=\"alert\"").count(), 1, "{html}");
        let (before, _) = html.split_once("role=\"alert\"").unwrap();
        before.rsplit_once("<button").unwrap().1.contains(id)
    };
    assert!(alert_after(EndSessions::One("first".to_owned()), "end-first"));
    assert!(alert_after(EndSessions::One("second".to_owned()), "end-second"));
    assert!(alert_after(EndSessions::Others, "End all other sessions"));
}

#[test]
fn all_other_sessions_can_be_ended_if_there_are_any() {
    assert!(everywhere(None).contains(">End all other sessions</button>"));
    let alone = list(vec![here()], None);
    assert!(alone.contains("This session") && !alone.contains("<button"), "{alone}");
}

#[test]
fn while_a_session_is_being_ended_all_buttons_are_disabled() {
    for (ending, waiting) in [
        (EndSessions::One("first".to_owned()), 0),
        (EndSessions::One("second".to_owned()), 1),
        (EndSessions::Others, 2),
    ] {
        let html = everywhere(Some(ending));
        let buttons: Vec<_> = html.split("<button").skip(1).collect();
        assert_eq!(buttons.len(), 3);
        for (at, button) in buttons.iter().enumerate() {
            assert!(button.contains("disabled"), "{button}");
            assert_eq!(button.contains("aria-busy=\"true\""), at == waiting, "{button}");
            assert_eq!(button.contains(">Ending…<"), at == waiting, "{button}");
        }
    }
}

#[test]
fn a_user_agent_is_escaped() {
    let html = list(vec![session("x", false, Some("<script>"), Some("<img>"))], None);
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
}

#[test]
fn a_busy_button_has_its_busy_text_and_is_disabled() {
    let button = |busy, disabled| {
        render::<BusyButton>(BusyButtonProps {
            text: "Download my data",
            busy_text: "Preparing…",
            id: Some("download".into()),
            object: Some("data".into()),
            busy,
            disabled,
            class: yew::Classes::new(),
            onpress: Callback::noop(),
        })
    };
    let waiting = button(true, false);
    assert!(tag(&waiting, "aria-busy=\"true\"").contains("disabled"), "{waiting}");
    assert_eq!(text(&waiting, "<button"), "Preparing…");
    let ready = button(false, false);
    assert!(!ready.contains("disabled") && !ready.contains("aria-busy"), "{ready}");
    assert!(tag(&ready, "type=\"button\"").contains("aria-labelledby=\"download data\""));
    assert!(tag(&button(false, true), "<button").contains("disabled"));
}

#[test]
fn the_first_render_of_a_time_shows_the_date() {
    let html = render::<TimeAgo>(TimeAgoProps { time: "2026-04-14T23:59:59Z".into() });
    assert_eq!(text(&html, "datetime=\"2026-04-14T23:59:59Z\""), "2026-04-14");
    assert!(tag(&html, "<time").contains("title=\"2026-04-14T23:59:59Z\""), "{html}");
}
