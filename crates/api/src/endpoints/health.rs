use api_types::ErrorCode::{Internal, Unavailable};
use api_types::Health;

use crate::context::Context;
use crate::endpoint::{Endpoint, Tag};
use crate::error::ApiError;
use crate::input::NoInput;
use crate::output::Json;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/healthz")
            .operation("health", Tag::Service, "Check that the server responds")
            .success("The server responds.")
            .handler(health),
        Endpoint::get("/readyz")
            .operation("readiness", Tag::Service, "Check that the server and the store respond")
            .success("The server and the store respond.")
            .errors(&[Internal, Unavailable])
            .handler(readiness),
    ]
}

async fn health(_: NoInput, _: Context) -> Result<Json<Health>, ApiError> {
    Ok(healthy())
}

async fn readiness(_: NoInput, context: Context) -> Result<Json<Health>, ApiError> {
    context.api.accounts.ping().await?;
    Ok(healthy())
}

fn healthy() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}
