use accounts::http::ApiError;
use api_types::ErrorCode::{
    EmailTaken, Internal, InvalidFields, Overloaded, SignUpRefused, TooManyAttempts, Unavailable,
};
use api_types::{SignupRequest, User};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::SignUp;
use crate::output::Created;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/signup")
            .operation("signUp", Tag::Account, "Create an account")
            .success("The account.")
            .errors(&[
                SignUpRefused,
                EmailTaken,
                InvalidFields,
                TooManyAttempts,
                Overloaded,
                Internal,
                Unavailable,
            ])
            .handler(sign_up),
    ]
}

async fn sign_up(SignUp(body): SignUp, context: Context) -> Result<Created<User>, ApiError> {
    let SignupRequest { email, password } = body;
    let user = context.api.accounts.sign_up(&email, &password, &context.caller()).await?;
    Ok(Created(convert::user(&user)))
}
