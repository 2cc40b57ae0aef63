use crate::colour::Colour;
use crate::error::PagesError;

/// The contrast that WCAG 2.2 requires of text at level AA (1.4.3).
const TEXT: f64 = 4.5;
/// The contrast that WCAG 2.2 requires of controls (1.4.11).
const CONTROLS: f64 = 3.0;

/// A colour scheme of the pages.
struct Scheme {
    name: &'static str,
    /// How to reach a higher contrast.
    remedy: &'static str,
    /// The backgrounds on which the accent colour is used, each with the contrast that it needs.
    /// They are those of `crates/web/styles/tokens.css`: `paper`, `surface` and `success-surface`.
    backgrounds: [(Colour, f64); 3],
}

const LIGHT: Scheme = Scheme {
    name: "light",
    remedy: "darker",
    backgrounds: [
        (Colour::new(0xf4, 0xf3, 0xec), TEXT),
        (Colour::new(0xff, 0xfe, 0xfa), TEXT),
        (Colour::new(0xe2, 0xef, 0xe7), CONTROLS),
    ],
};

const DARK: Scheme = Scheme {
    name: "dark",
    remedy: "lighter",
    backgrounds: [
        (Colour::new(0x10, 0x16, 0x14), TEXT),
        (Colour::new(0x18, 0x21, 0x1d), TEXT),
        (Colour::new(0x16, 0x34, 0x2a), CONTROLS),
    ],
};

impl Scheme {
    fn parse(&self, text: &str) -> Result<Colour, PagesError> {
        let colour =
            Colour::parse(text).ok_or_else(|| PagesError::NoColour { text: text.to_owned() })?;
        for (background, required) in self.backgrounds {
            let ratio = colour.contrast(background);
            if ratio < required {
                return Err(PagesError::LowContrast {
                    colour: colour.to_string(),
                    scheme: self.name,
                    background: background.to_string(),
                    // Rounded down, so that it is never shown as the required one.
                    ratio: (100.0 * ratio).floor() / 100.0,
                    required,
                    remedy: self.remedy,
                });
            }
        }
        Ok(colour)
    }
}

/// Returns a stylesheet that sets the accent colour of the pages.
///
/// It is outside any cascade layer, so it takes precedence over the stylesheet of the pages
/// regardless of their order.
pub(crate) fn stylesheet(light: &str, dark: &str) -> Result<String, PagesError> {
    let (light, dark) = (LIGHT.parse(light)?, DARK.parse(dark)?);
    let (black, white) = (Colour::BLACK, Colour::WHITE);
    Ok(format!(
        ":root{{--accent:{light};--accent-strong:{};--on-accent:{white};--door:{light};\
         --door-shade:{}}}\n\
         @media (prefers-color-scheme:dark){{:root{{--accent:{dark};--accent-strong:{};\
         --on-accent:{black};--door:{};--door-shade:{}}}}}\n",
        light.mix(black, 30),
        light.mix(black, 20),
        dark.mix(white, 35),
        light.mix(black, 15),
        light.mix(black, 35),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_stylesheet_sets_the_colours_of_both_schemes() {
        let css = stylesheet("#5b2a86", "#C9A7E8").unwrap();
        let (light, dark) = css.split_once("@media (prefers-color-scheme:dark)").unwrap();
        assert!(light.starts_with(":root{--accent:#5b2a86;--accent-strong:#3f1d5d;"), "{css}");
        assert!(dark.starts_with("{:root{--accent:#c9a7e8;"), "{css}");
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }

    #[test]
    fn a_colour_without_enough_contrast_is_refused() {
        let error = |light, dark| stylesheet(light, dark).unwrap_err().to_string();
        assert_eq!(
            error("#777", "#c9a7e8"),
            "the accent colour #777777 has a contrast of 4.02:1 on #f4f3ec in the light scheme, \
             but needs at least 4.5:1; choose a darker colour"
        );
        let dark = error("#5b2a86", "#5b2a86");
        assert!(
            dark.contains("in the dark scheme") && dark.ends_with("a lighter colour"),
            "{dark}"
        );
        let text = error("purple", "#c9a7e8");
        assert_eq!(text, "\"purple\" is not a colour; write it in hex, such as #0d5a46");
    }

    /// Each background must be checked. The first colours fail only on the second background.
    #[test]
    fn the_contrast_is_checked_on_every_background() {
        for scheme in [LIGHT, DARK] {
            for index in 0..scheme.backgrounds.len() {
                let (background, required) = scheme.backgrounds[index];
                let fails =
                    |grey: u8| Colour::new(grey, grey, grey).contrast(background) < required;
                for grey in (0..=255).filter(|grey| fails(*grey)) {
                    let text = Colour::new(grey, grey, grey).to_string();
                    assert!(scheme.parse(&text).is_err(), "{} {text}", scheme.name);
                }
            }
        }
    }

    #[test]
    fn text_on_an_accepted_colour_is_readable() {
        for grey in 0..=255 {
            let colour = Colour::new(grey, grey, grey);
            for (scheme, on_accent, strong) in
                [(LIGHT, Colour::WHITE, Colour::BLACK), (DARK, Colour::BLACK, Colour::WHITE)]
            {
                if scheme.parse(&colour.to_string()).is_ok() {
                    assert!(colour.contrast(on_accent) >= TEXT, "{colour}");
                    assert!(colour.mix(strong, 30).contrast(on_accent) >= TEXT, "{colour}");
                }
            }
        }
    }

    #[test]
    fn the_backgrounds_are_those_of_the_pages() {
        let css = fs::read_to_string("../web/styles/tokens.css").unwrap();
        let (light, dark) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
        for (css, scheme) in [(light, LIGHT), (dark, DARK)] {
            let names = ["paper", "surface", "success-surface"];
            for (name, (colour, _)) in names.into_iter().zip(scheme.backgrounds) {
                assert!(css.contains(&format!("--{name}: {colour};")), "{name} {colour}");
            }
        }
    }
}
