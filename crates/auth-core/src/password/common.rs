/// The most common passwords in lower case, one per line, sorted by their bytes.
static COMMON: &str = include_str!("common.txt");

/// Returns `true` if a password in lower case is among the most common ones.
pub(super) fn is_common(lowercase: &str) -> bool {
    // A binary search over the text itself. An index of the lines would cost memory and time at
    // startup.
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = floor_char_boundary(rest, rest.len() / 2);
        let start = rest[..middle].rfind('\n').map_or(0, |newline| newline + 1);
        let end = rest[start..].find('\n').map_or(rest.len(), |length| start + length);
        match lowercase.cmp(&rest[start..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = &rest[..start],
            std::cmp::Ordering::Greater => rest = rest.get(end + 1..).unwrap_or(""),
        }
    }
    false
}

fn floor_char_boundary(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_in_lower_case_without_duplicates() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.is_sorted_by(|a, b| a < b));
        assert!(lines.iter().all(|line| **line == line.to_lowercase()));
    }

    #[test]
    fn at_least_3000_listed_passwords_have_the_default_minimum_length() {
        assert!(COMMON.lines().filter(|line| line.chars().count() >= 8).count() >= 3_000);
    }

    #[test]
    fn every_listed_password_is_found_and_similar_ones_are_not() {
        for line in COMMON.lines() {
            assert!(is_common(line), "{line}");
            assert!(!is_common(&format!("{line}\u{1}")), "{line} with a suffix");
        }
        assert!(!is_common(""));
        assert!(!is_common("zzzzzzzzzzzzzzzzzzzzzzzzz"));
    }
}
