use accounts::SessionId;
use accounts::http::ApiError;
use api_types::ErrorCode::{NotFound, Overloaded};
use api_types::Sessions;

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::{User, UserWithoutBody};
use crate::output::{Json, NoContent};
use crate::part::Part;

const SESSIONS: &str = "/api/sessions";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(SESSIONS)
            .operation("sessions", Tag::Session, "List the sessions of the user")
            .description("The most recently used session comes first.")
            .part(Part::Sessions)
            .success("The sessions.")
            .errors(&[Overloaded])
            .handler(list),
        Endpoint::delete(SESSIONS)
            .operation("endOtherSessions", Tag::Session, "End all other sessions")
            .part(Part::Sessions)
            .success("The sessions have ended.")
            .handler(end_others),
        Endpoint::delete("/api/sessions/{id}")
            .operation("endSession", Tag::Session, "End a session")
            .description("Ending the current session logs the user out.")
            .part(Part::Sessions)
            .success("The session has ended.")
            .errors(&[NotFound])
            .handler_with_path(end),
    ]
}

async fn list(User(user): User, context: Context) -> Result<Json<Sessions>, ApiError> {
    let records = context.api.accounts.sessions(&user).await?;
    let sessions = records.iter().map(|record| convert::session(record, &user)).collect();
    Ok(Json(Sessions { sessions }))
}

async fn end_others(
    UserWithoutBody(user): UserWithoutBody,
    context: Context,
) -> Result<NoContent, ApiError> {
    context.api.accounts.end_other_sessions(&user, &context.client()).await?;
    Ok(NoContent::default())
}

async fn end(
    id: SessionId,
    UserWithoutBody(user): UserWithoutBody,
    context: Context,
) -> Result<NoContent, ApiError> {
    context.api.accounts.end_session(&user, id, &context.client()).await?;
    if id == user.session().id {
        let cookies = context.api.clear_ended_refresh(context.refresh_cookie()).await;
        Ok(NoContent { cookies })
    } else {
        Ok(NoContent::default())
    }
}
