use accounts::http::ApiError;

use crate::context::Context;
use crate::endpoint::{Endpoint, Tag};
use crate::input::NoInput;
use crate::output::JsonText;
use crate::part::Part;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/openapi.json")
            .operation("openapi", Tag::Service, "Get the OpenAPI document")
            .part(Part::OpenApi)
            .success("The OpenAPI 3.1 document.")
            .handler(document),
    ]
}

async fn document(_: NoInput, context: Context) -> Result<JsonText, ApiError> {
    Ok(JsonText(context.served.document.clone()))
}
