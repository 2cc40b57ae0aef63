use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns a record as one line without control characters, so that text from a client or a file
/// can neither forge a record nor control the terminal.
pub(crate) fn one_line(record: &[u8]) -> Cow<'_, [u8]> {
    if let Some((b'\n', line)) = record.split_last()
        && is_printable_ascii(line)
    {
        return Cow::Borrowed(record);
    }
    let text = String::from_utf8_lossy(record);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let mut escaped = String::with_capacity(line.len() + 1);
    for c in line.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // JSON's escape syntax, because the JSON formatter does not escape these characters.
            c if c.is_control() || changes_layout(c) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped.push('\n');
    Cow::Owned(escaped.into_bytes())
}

/// Returns whether the character is invisible, or changes the order or the lines of a text. Such a
/// character can make a terminal display a record as something else.
const fn changes_layout(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Returns whether the line is printable ASCII. A fold without an early exit compiles to vector
/// instructions.
fn is_printable_ascii(line: &[u8]) -> bool {
    line.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let record = "path=/a\nINFO forged\r\u{1b}[31m\u{85}é\n".as_bytes();
        let line = String::from_utf8(one_line(record).into_owned()).unwrap();
        assert_eq!(line, "path=/a\\nINFO forged\\r\\u001b[31m\\u0085é\n");
    }

    #[test]
    fn characters_that_change_the_layout_are_escaped() {
        let record = "path=/\u{202e}nimda\u{2066}\u{200b}\u{2028}ü\n".as_bytes();
        let line = String::from_utf8(one_line(record).into_owned()).unwrap();
        assert_eq!(line, "path=/\\u202enimda\\u2066\\u200b\\u2028ü\n");
    }

    #[test]
    fn a_plain_record_is_not_copied() {
        assert!(matches!(one_line(b"INFO started\n"), Cow::Borrowed(_)));
    }
}
