use std::error::Error;

/// Returns an error and its sources in one line, for a log.
///
/// ```
/// # use std::io;
/// let lower = io::Error::other("the disk is full");
/// let upper = user_store::StoreError::Unavailable(lower.into());
/// assert_eq!(accounts::error_chain(&upper), "the store is unavailable: the disk is full");
/// ```
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
