use accounts::http::ApiError;
use api_types::ErrorCode::{
    EmailTaken, Internal, InvalidFields, InvitationInvalid, Overloaded, SignUpRefused,
    TooManyAttempts, Unavailable,
};
use api_types::{SignupRequest, User};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::SignUp;
use crate::output::Created;
use crate::part::Part;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/signup")
            .operation("signUp", Tag::Account, "Create an account")
            .part(Part::SignUp)
            .success("The account.")
            .errors(&[
                InvitationInvalid,
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
    let SignupRequest { email, password, invitation } = body;
    let (accounts, caller) = (&context.api.accounts, &context.caller());
    let user = match invitation {
        Some(invitation) => {
            accounts.sign_up_with_invitation(&email, &password, &invitation, caller).await?
        }
        None => accounts.sign_up(&email, &password, caller).await?,
    };
    Ok(Created(convert::user(&user)))
}
