use std::fmt;

use api::Part;

/// An error from setting up [`Pages`](crate::Pages).
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// The crate was compiled without the built pages.
    #[error(
        "the pages are not built; run `cargo xtask pages` in the folder of Latchkey, then start the \
         app again, or build it again if it is a release build"
    )]
    NotBuilt,
    /// The API is not served where the pages expect it.
    #[error(
        "the pages need the API at /api, but `Auth::prefix` has moved it to {prefix}; remove that call"
    )]
    Prefix {
        /// The path under which the API is served.
        prefix: String,
    },
    /// A part of the API that the pages use is turned off.
    #[error(
        "the pages need `Part::{part:?}` of the API; do not pass it to `Auth::without` (to turn \
         sign-up off, call `without_sign_up` on the builder)"
    )]
    WithoutPart {
        /// The part.
        part: Part,
    },
    /// The logo is neither an SVG nor a PNG image.
    #[error("the logo is neither an SVG nor a PNG image")]
    UnknownImage,
    /// The text is not a colour in hex.
    #[error("{text:?} is not a colour; write it in hex, such as #0d5a46")]
    NoColour {
        /// The text.
        text: String,
    },
    /// Text or controls in the accent colour would be hard to see.
    #[error(
        "the accent colour {colour} has a contrast of {ratio}:1 on {background} in the {scheme} \
         scheme, but needs at least {required}:1; choose a {remedy} colour"
    )]
    LowContrast {
        /// The accent colour.
        colour: String,
        /// `light` or `dark`.
        scheme: &'static str,
        /// The background.
        background: String,
        /// The contrast ratio of the two.
        ratio: f64,
        /// The contrast ratio that WCAG 2.2 AA requires.
        required: f64,
        /// `darker` or `lighter`.
        remedy: &'static str,
    },
    /// The page after the log-in is not a path of the app on the same origin.
    #[error(
        "the page after the log-in, {path:?}, is not a path of the app on this origin; use one \
         such as /notes"
    )]
    AfterLogIn {
        /// The text.
        path: String,
    },
}

/// Writes the message, because Rust prints an error that `main` returns with `Debug`.
impl fmt::Debug for PagesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
