//! The format of a mail: RFC 5322 and MIME, in ASCII.

use std::time::{Duration, SystemTime};

use accounts::{OutgoingMail, SendMailError};
use lettre::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, HeaderName, HeaderValue, MessageId,
};
use lettre::message::{Body, Mailbox, Message, SinglePart};

/// The maximum length of a line, except for a link, in bytes (RFC 2045, 6.7).
const MAX_LINE: usize = 76;

/// The maximum length of any line, in bytes (RFC 5322, 2.1.1).
const MAX_LINK: usize = 998;

/// Returns the recipient of a mail.
pub(crate) fn recipient(mail: &OutgoingMail) -> Result<Address, SendMailError> {
    let rejected = "the recipient is not a valid email address in ASCII";
    if !mail.to.is_ascii() {
        return Err(SendMailError::Rejected(rejected.to_owned()));
    }
    mail.to.parse().map_err(|_| SendMailError::Rejected(rejected.to_owned()))
}

/// Returns the bytes of a mail. They are the same for every attempt to send it.
pub(crate) fn format(mail: &OutgoingMail, mail_from: &Address) -> Result<Vec<u8>, SendMailError> {
    let name = Some(one_line(&mail.from_name)).filter(|name| !name.is_empty());
    let auto_submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
    // lettre cannot write dates before 1970.
    let seconds = u64::try_from(mail.date.as_second()).unwrap_or(0);
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let message = Message::builder()
        .from(Mailbox::new(name, mail_from.clone()))
        .to(Mailbox::new(None, recipient(mail)?))
        .subject(one_line(&mail.subject))
        .header(Date::new(date))
        .header(MessageId::from(format!("<{}@{}>", mail.id, mail_from.domain())))
        .raw_header(HeaderValue::new(auto_submitted, "auto-generated".to_owned()))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body(&mail.text)))
        .map_err(|error| SendMailError::Rejected(error.to_string()))?;
    let mut bytes = message.formatted();
    // lettre adds an empty line at the end.
    bytes.truncate(bytes.trim_ascii_end().len());
    bytes.extend_from_slice(b"\r\n");
    Ok(bytes)
}

/// Replaces control characters, so that a text cannot add a header.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// Encodes a text. If it consists of short lines and links in ASCII, it is not changed, so that it
/// stays readable and links stay whole. Otherwise, it is encoded as quoted-printable.
fn body(text: &str) -> Body {
    let lines: Vec<_> = text.lines().collect();
    let text = lines.join("\r\n");
    if lines.iter().all(|line| is_readable(line)) {
        return Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit);
    }
    match Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable) {
        Ok(body) => body,
        // Every text can be encoded as quoted-printable, so this is never reached.
        Err(text) => Body::new(text),
    }
}

fn is_readable(line: &str) -> bool {
    let is_link = line.starts_with("https://") || line.starts_with("http://");
    let max = if is_link && !line.contains(' ') { MAX_LINK } else { MAX_LINE };
    line.len() <= max && line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
