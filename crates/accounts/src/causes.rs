use std::error::Error;

/// An error and everything under it, in one line, for a log.
///
/// ```
/// # use std::io;
/// let lower = io::Error::other("the disk is full");
/// let upper = user_store::StoreError::Unavailable(lower.into());
/// assert_eq!(accounts::error_chain(&upper), "the store does not answer: the disk is full");
/// ```
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
