use std::sync::Arc;
use std::time::Duration;

use accounts::http::ApiError;
use api_types::ErrorCode::{Internal, Unavailable};
use api_types::Health;

use crate::context::Context;
use crate::endpoint::{Endpoint, Tag};
use crate::input::NoInput;
use crate::output::Json;
use crate::part::Part;

/// The maximum time that the store may take to answer. A probe usually waits for a few seconds.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/healthz")
            .operation("health", Tag::Service, "Check that the server responds")
            .part(Part::Health)
            .success("The server responds.")
            .handler(health),
        Endpoint::get("/readyz")
            .operation("readiness", Tag::Service, "Check that the server and the store respond")
            .description(
                "Reads from the store, and takes no lock that a change waits for. On PostgreSQL, it \
                 also fails if the latest of the changes that the server makes every 5 seconds has \
                 failed, or if the schema needs a newer version of the server.",
            )
            .part(Part::Health)
            .success("The server and the store respond.")
            .errors(&[Internal, Unavailable])
            .handler(readiness),
    ]
}

async fn health(_: NoInput, _: Context) -> Result<Json<Health>, ApiError> {
    Ok(healthy())
}

async fn readiness(_: NoInput, context: Context) -> Result<Json<Health>, ApiError> {
    match tokio::time::timeout(PING_TIMEOUT, context.api.accounts.ping()).await {
        Ok(answered) => answered?,
        Err(elapsed) => return Err(ApiError::Unavailable(Arc::new(elapsed))),
    }
    Ok(healthy())
}

fn healthy() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}
