/// A part of the API that an app can turn off ([`Auth::without`](crate::Auth::without)).
///
/// Endpoints in none of these parts are always served: log-in with a password, refresh, log-out and
/// the account of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// `POST /api/signup`. Without it, invitations do not work either. To close sign-up, but not
    /// for invited people, use [`Builder::without_sign_up`](accounts::Builder::without_sign_up)
    /// instead.
    SignUp,
    /// `PUT /api/me/password`.
    PasswordChange,
    /// `/api/password-reset`.
    PasswordReset,
    /// `/api/me/email` and `/api/me/email/verification`.
    Email,
    /// `DELETE /api/me`.
    Deletion,
    /// `GET /api/me/export`, `GET /api/me/activity` and `GET /api/me/metadata`.
    PersonalData,
    /// `/api/sessions`.
    Sessions,
    /// The second factors and passkeys of the caller, and log-in with them. A user whose second
    /// factor is on already cannot log in without this part.
    SecondFactors,
    /// `/.well-known/jwks.json`. Without it, other services cannot verify access tokens.
    KeySet,
    /// `/healthz` and `/readyz`.
    Health,
    /// `GET /api/openapi.json`.
    OpenApi,
}
