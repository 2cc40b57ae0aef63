/// The maximum length of a reason, in characters.
const MAX_CHARACTERS: usize = 200;

/// The length of a text that counts as a quotation from a mail, in bytes.
const QUOTATION: usize = 8;

/// Returns a text as one printable line of at most 200 characters.
pub(crate) fn reason(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.extend(word.chars().map(|c| if is_printable(c) { c } else { '?' }));
        }
    }
    line.chars().take(MAX_CHARACTERS).collect()
}

/// Removes what a reply quotes from a mail: a mail filter may repeat a link, and the secret in it.
/// Words that consist of letters, such as "password", are kept.
pub(crate) fn without_quotations(reply: &str, text: &str) -> String {
    let words = reply.split_whitespace().map(|word| {
        let is_plain =
            word.trim_matches(|c: char| c.is_ascii_punctuation()).chars().all(char::is_alphabetic);
        if !is_plain && quotes(word, text) { "[removed]" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns `true` if a word and a text have a part in common, in any letter case.
fn quotes(word: &str, text: &str) -> bool {
    let text = text.as_bytes();
    word.as_bytes()
        .windows(QUOTATION)
        .any(|part| text.windows(QUOTATION).any(|other| other.eq_ignore_ascii_case(part)))
}

fn is_printable(c: char) -> bool {
    c.is_ascii_graphic() || c.is_alphanumeric()
}
