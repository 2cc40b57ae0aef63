use auth_core::Email;
use lettre::Address;

/// Returns the sender of mails, with its domain in ASCII. Returns `None` if it is not an email
/// address for lettre.
pub(crate) fn sender(email: &Email) -> Option<Address> {
    email.to_ascii().parse().ok()
}
