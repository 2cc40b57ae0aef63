/// The passwords that are tried first, in lower case, sorted by their bytes, one a line.
static COMMON: &str = include_str!("common.txt");

/// Whether `lowercase` is among the commonest passwords.
pub(super) fn is_common(lowercase: &str) -> bool {
    // Finds the line that `lowercase` would stand on by halving the text, not an index of
    // its lines: the list then costs no memory and no start-up time.
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = floor_char_boundary(rest, rest.len() / 2);
        let start = rest[..middle].rfind('\n').map_or(0, |at| at + 1);
        let end = rest[start..].find('\n').map_or(rest.len(), |at| start + at);
        match lowercase.cmp(&rest[start..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = &rest[..start],
            std::cmp::Ordering::Greater => rest = rest.get(end + 1..).unwrap_or(""),
        }
    }
    false
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_lower_case_and_without_repetition() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.is_sorted_by(|a, b| a < b));
        assert!(lines.iter().all(|line| **line == line.to_lowercase()));
    }

    #[test]
    fn three_thousand_of_the_default_length_are_listed_at_least() {
        assert!(COMMON.lines().filter(|line| line.chars().count() >= 8).count() >= 3_000);
    }

    #[test]
    fn every_listed_password_is_found_and_its_neighbours_are_not() {
        for line in COMMON.lines() {
            assert!(is_common(line), "{line}");
            assert!(!is_common(&format!("{line}\u{1}")), "{line} and more");
        }
        assert!(!is_common(""));
        assert!(!is_common("zzzzzzzzzzzzzzzzzzzzzzzzz"));
    }
}
