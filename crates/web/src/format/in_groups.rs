/// Splits an ASCII text into groups of four characters.
#[must_use]
pub fn in_groups(text: &str) -> String {
    let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_into_groups_of_four() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(in_groups(secret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(in_groups("GEZDGN"), "GEZD GN");
        assert_eq!(in_groups(""), "");
    }
}
