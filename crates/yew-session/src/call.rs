use api_types::TokenResponse;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::http::{self, Request, Success};

/// A request that has not been sent yet, and the function that reads its response, a `T`.
///
/// The request does not depend on `T`, so the code that sends it is compiled only once.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<T> {
    pub(crate) request: Request,
    read: fn(&Success) -> Result<T, ApiError>,
}

impl<T> Call<T> {
    /// Returns a call with a function that reads the response. The function returns
    /// [`ApiError::Unreadable`] if it cannot.
    pub fn new(request: Request, read: fn(&Success) -> Result<T, ApiError>) -> Self {
        Self { request, read }
    }

    /// Sends the request without an access token.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if the request fails.
    pub async fn send(self) -> Result<T, ApiError> {
        self.read(&http::send(&self.request, None).await?)
    }

    /// Reads the response.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if the response cannot be parsed.
    pub(crate) fn read(&self, answer: &Success) -> Result<T, ApiError> {
        (self.read)(answer)
    }
}

impl<T: DeserializeOwned> Call<T> {
    /// Returns a call whose response is a `T` in JSON.
    pub fn json(request: Request) -> Self {
        Self::new(request, |answer| {
            serde_json::from_str(&answer.body).map_err(|_| ApiError::Unreadable)
        })
    }
}

impl Call<TokenResponse> {
    /// Returns a call that signs in. Its response is a token, and replaces the refresh cookie.
    /// While it is sent, no other tab of the browser sends such a call.
    pub fn sign_in(request: Request) -> Self {
        Self::json(Request { replaces_cookie: true, ..request })
    }
}

impl Call<String> {
    /// Returns a call whose response is a text.
    pub fn text(request: Request) -> Self {
        Self::new(request, |answer| Ok(answer.body.clone()))
    }
}

impl Call<()> {
    /// Returns a call that the server confirms with 204. Any other success comes from a proxy, for
    /// example as the page of its own log-in.
    pub fn confirmed(request: Request) -> Self {
        Self::new(request, confirmed)
    }
}

const fn confirmed(answer: &Success) -> Result<(), ApiError> {
    if answer.status == 204 { Ok(()) } else { Err(ApiError::Unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_status_204_confirms_a_change() {
        let answer = |status| confirmed(&Success { status, body: String::new() });
        assert_eq!(answer(204), Ok(()));
        for status in [200, 201, 202, 205] {
            assert_eq!(answer(status), Err(ApiError::Unreadable), "{status}");
        }
    }
}
