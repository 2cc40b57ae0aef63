use std::fmt;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Colour {
    pub(crate) const BLACK: Self = Self([0; 3]);
    pub(crate) const WHITE: Self = Self([255; 3]);

    pub(crate) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Parses `#rrggbb` or `#rgb`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?.chars().map(|digit| digit.to_digit(16));
        let digits: Vec<u8> =
            digits.map(|digit| u8::try_from(digit?).ok()).collect::<Option<_>>()?;
        match digits[..] {
            [r, g, b] => Some(Self([17 * r, 17 * g, 17 * b])),
            [r, r2, g, g2, b, b2] => Some(Self([16 * r + r2, 16 * g + g2, 16 * b + b2])),
            _ => None,
        }
    }

    /// Returns this colour, mixed with `percent` of another one.
    pub(crate) fn mix(self, other: Self, percent: u16) -> Self {
        let channel = |index: usize| {
            let [own, other] = [self, other].map(|colour| u16::from(colour.0[index]));
            let mixed = (own * (100 - percent) + other * percent) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self([channel(0), channel(1), channel(2)])
    }

    /// Returns the contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let [one, other] = [self.luminance(), other.luminance()];
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Returns the relative luminance (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

/// Writes `#rrggbb`.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_parsed_and_written_in_hex() {
        for (text, written) in [("#5b2a86", "#5b2a86"), ("#5B2A86", "#5b2a86"), ("#fa0", "#ffaa00")]
        {
            assert_eq!(Colour::parse(text).unwrap().to_string(), written);
        }
        for text in ["", "#", "5b2a86", "#5b2a8", "#5b2a861", "#5b2a8g", "#+b2a86", "red", "#é12"]
        {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }

    /// The values are those of the WebAIM contrast checker.
    #[test]
    fn the_contrast_is_that_of_wcag() {
        let contrast = |one, other| {
            let [one, other] = [one, other].map(|text| Colour::parse(text).unwrap());
            (100.0 * one.contrast(other)).round() / 100.0
        };
        assert!((contrast("#000", "#fff") - 21.0).abs() < 1e-9);
        assert!((contrast("#fff", "#777777") - 4.48).abs() < 1e-9);
        assert!((contrast("#767676", "#fff") - 4.54).abs() < 1e-9);
        assert!((contrast("#123456", "#123456") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_mix_is_between_its_colours() {
        let grey = Colour::BLACK.mix(Colour::WHITE, 40);
        assert_eq!(grey.to_string(), "#666666");
        assert_eq!(Colour::new(1, 2, 3).mix(grey, 0), Colour::new(1, 2, 3));
    }
}
