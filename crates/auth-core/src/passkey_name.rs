use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, VariationSelector};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The name that a user gives a passkey: 1 to 64 code points. Spaces at the ends are removed.
///
/// Control characters, line separators, invisible characters and characters that change the
/// direction of text are rejected, because with them a name can look like another one. Exceptions
/// are characters that scripts and emoji need: joiners (U+200C and U+200D) between two visible
/// characters that are not ASCII, and variation selectors after a visible character.
///
/// ```
/// # use auth_core::PasskeyName;
/// assert_eq!(PasskeyName::parse(" Firefox on Linux ")?.as_str(), "Firefox on Linux");
/// assert!(PasskeyName::parse(" ").is_err());
/// assert!(PasskeyName::parse("Lap\u{200b}top").is_err());
/// # Ok::<(), auth_core::InvalidPasskeyName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyName(String);

/// An error from parsing a [`PasskeyName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a passkey name: use 1 to 64 characters, and remove line breaks, control characters and \
     invisible characters"
)]
pub struct InvalidPasskeyName;

const MAX_CHARS: usize = 64;

impl PasskeyName {
    /// Parses a name that was typed.
    ///
    /// # Errors
    ///
    /// [`InvalidPasskeyName`] if the text breaks a rule.
    pub fn parse(text: &str) -> Result<Self, InvalidPasskeyName> {
        let name = text.trim_matches(is_space);
        let is_valid = !name.is_empty()
            && name.chars().nth(MAX_CHARS).is_none()
            && has_only_allowed_characters(name);
        if is_valid { Ok(Self(name.to_owned())) } else { Err(InvalidPasskeyName) }
    }

    /// Creates a name from its stored text, which is not checked again.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn has_only_allowed_characters(name: &str) -> bool {
    // The visible character before `c`. Variation selectors can be in between.
    let mut previous = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let is_allowed = match c {
            '\u{200c}' | '\u{200d}' => {
                let is_joined = |c: &char| !c.is_ascii() && is_visible(*c);
                previous.as_ref().is_some_and(is_joined) && chars.peek().is_some_and(is_joined)
            }
            c if is_variation_selector(c) => previous.is_some(),
            c if is_space(c) => {
                previous = None;
                true
            }
            c => {
                previous = Some(c);
                is_visible(c)
            }
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

fn is_space(c: char) -> bool {
    category(c) == GeneralCategory::SpaceSeparator
}

fn is_variation_selector(c: char) -> bool {
    CodePointSetData::new::<VariationSelector>().contains(c)
}

fn is_visible(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, SpaceSeparator};
    /// Its category is that of symbols, but it has no dots.
    const BRAILLE_PATTERN_BLANK: char = '\u{2800}';
    let has_visible_category = !matches!(
        category(c),
        Control | Format | LineSeparator | ParagraphSeparator | SpaceSeparator
    );
    has_visible_category
        && c != BRAILLE_PATTERN_BLANK
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_code_points_and_no_control_characters() {
        let longest = "ä".repeat(MAX_CHARS);
        for name in ["x", "Schlüssel 🔑", &longest] {
            assert_eq!(PasskeyName::parse(name).unwrap().as_str(), name);
        }
        let too_long = format!("{longest}x");
        for text in ["", " ", "a\nb", "a\u{7f}", "a\u{85}b", &too_long] {
            assert_eq!(PasskeyName::parse(text), Err(InvalidPasskeyName), "{text:?}");
        }
    }

    #[test]
    fn only_spaces_are_removed_at_the_ends() {
        for space in [" ", "\u{a0}", "\u{3000}"] {
            let text = format!("{space}my{space}laptop{space}{space}");
            let name = PasskeyName::parse(&text).unwrap();
            assert_eq!(name.as_str(), format!("my{space}laptop"));
            assert_eq!(PasskeyName::parse(space), Err(InvalidPasskeyName), "{space:?}");
        }
        for control in ["\t", "\n", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            for text in [
                format!("laptop{control}"),
                format!("{control}laptop"),
                format!("laptop {control} "),
                format!(" {control}"),
            ] {
                assert_eq!(PasskeyName::parse(&text), Err(InvalidPasskeyName), "{text:?}");
            }
        }
    }

    #[test]
    fn a_name_has_no_invisible_characters_and_none_that_change_the_direction_of_text() {
        let rejected = [
            // Bidirectional controls (UAX 9).
            "\u{61c}",
            "\u{200e}",
            "\u{200f}",
            "\u{202a}",
            "\u{202e}",
            "\u{2066}",
            "\u{2069}",
            // Line and paragraph separators.
            "\u{2028}",
            "\u{2029}",
            // Other format characters: soft hyphen, zero-width space, word joiner, tag.
            "\u{ad}",
            "\u{200b}",
            "\u{2060}",
            "\u{feff}",
            "\u{e0061}",
            // Ignorable or blank, although they are letters, marks or symbols.
            "\u{34f}",
            "\u{115f}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}",
        ];
        for character in rejected {
            for text in
                [character.to_owned(), format!("Lap{character}top"), format!("क{character}ष")]
            {
                assert_eq!(PasskeyName::parse(&text), Err(InvalidPasskeyName), "{text:?}");
            }
        }
    }

    #[test]
    fn joiners_and_variation_selectors_are_only_accepted_where_scripts_and_emoji_need_them() {
        for name in [
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "葛\u{e0100}",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(PasskeyName::parse(name).unwrap().as_str(), name);
        }
        for text in [
            "Lap\u{200d}top",
            "\u{200d}ключ",
            "ключ\u{200c}",
            "мой \u{200d}ключ",
            "мой\u{200d} ключ",
            "👩\u{200d}\u{200d}💻",
            "👩\u{200c}\u{fe0f}💻",
            "\u{fe0f}x",
            "x \u{fe0f}y",
        ] {
            assert_eq!(PasskeyName::parse(text), Err(InvalidPasskeyName), "{text:?}");
        }
    }
}
