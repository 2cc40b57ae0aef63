use crate::site::site;

/// Returns the content of a file with recovery codes.
#[must_use]
pub fn recovery_codes(email: &str, codes: &[String]) -> String {
    let codes = codes.join("\n");
    format!(
        "{} recovery codes for {email}\n\nEach code works once. Anyone who has this file and \
         your password can log in as you.\n\n{codes}\n",
        site().name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_account_and_has_each_code_on_its_own_line() {
        let codes = ["ABCD-EFGH-JKMN-PQRS-TVWX-YZ23", "2345-6789-ABCD-EFGH-JKMN-PQRS"];
        let file = recovery_codes("ada@example.com", &codes.map(str::to_owned));
        let lines: Vec<_> = file.lines().collect();
        assert!(lines[0].contains("ada@example.com"), "{file}");
        assert!(codes.iter().all(|code| lines.contains(code)), "{file}");
        assert!(file.ends_with('\n'), "{file}");
    }
}
