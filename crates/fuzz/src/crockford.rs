const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The maximum length of a text, in bytes.
const MAX_TEXT: usize = 256;

/// Returns a secret as it is printed: in groups of four, with hyphens between them. Returns `None`
/// if `text` is not the secret of this many characters, however it is typed.
pub(crate) fn canonical(text: &str, characters: usize) -> Option<String> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut canonical = String::new();
    let mut count = 0;
    for typed in text.chars() {
        let read = match typed.to_ascii_uppercase() {
            ' ' | '-' | '\t' | '\r' | '\n' => continue,
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !ALPHABET.contains(read) {
            return None;
        }
        if count > 0 && count % 4 == 0 {
            canonical.push('-');
        }
        canonical.push(read);
        count += 1;
    }
    if count == characters { Some(canonical) } else { None }
}
