use serde::Serialize;

use super::*;

/// What is read of what serde has written.
fn reread<T: FromJson + Serialize>(value: &T) -> Option<T> {
    read(&serde_json::to_string(value).unwrap())
}

fn session(user_agent: Option<&str>) -> Session {
    Session {
        id: "018f".to_owned(),
        current: true,
        created_at: "2026-04-14T09:30:00Z".to_owned(),
        last_seen_at: "2026-04-15T09:30:00Z".to_owned(),
        user_agent: user_agent.map(str::to_owned),
        ip: Some("192.0.2.1".to_owned()),
    }
}

#[test]
fn what_the_server_writes_is_read_as_it_is() {
    let user = User {
        id: "018f".to_owned(),
        email: "ada@example.com".to_owned(),
        created_at: "2026-04-14T09:30:00Z".to_owned(),
    };
    assert_eq!(reread(&user), Some(user));
    let token = TokenResponse {
        access_token: "token".to_owned(),
        token_type: TokenType::Bearer,
        expires_in: 300,
    };
    assert_eq!(reread(&token), Some(token));
    let sessions = Sessions { sessions: vec![session(None), session(Some("curl/8"))] };
    assert_eq!(reread(&sessions), Some(sessions));
    let event = ActivityEvent {
        at: "2026-04-14T09:30:00Z".to_owned(),
        kind: ActivityKind::SignedIn,
        actor: ActivityActor::User,
        session_id: Some("018f".to_owned()),
        user_agent: Some("curl/8".to_owned()),
        ip: None,
    };
    let activity = Activity { events: vec![event] };
    assert_eq!(reread(&activity), Some(activity));
    let error = FieldError {
        field: "email".to_owned(),
        code: FieldCode::EmailInvalid,
        message: "not an address".to_owned(),
    };
    assert_eq!(reread(&error), Some(error));
}

#[test]
fn what_has_another_shape_is_not_read() {
    for text in ["", "null", "[]", "{}", r#"{"id":1,"email":"","created_at":""}"#, r#"{"id":""#] {
        assert_eq!(read::<User>(text), None, "{text}");
    }
    assert_eq!(read::<Sessions>(r#"{"sessions":[{}]}"#), None);
}

#[test]
fn what_happened_that_is_not_known_yet_is_something_else() {
    assert_eq!(read(r#""rocket_launched""#), Some(ActivityKind::Other));
    assert_eq!(read::<ErrorCode>(r#""rocket_launched""#), None);
}
