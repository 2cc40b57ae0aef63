use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use yew::prelude::*;

/// The width of the light margin around a QR code, in modules (ISO/IEC 18004, 5.3.8).
const QUIET_ZONE: i32 = 4;

/// Renders a text as a QR code with this accessible name. Renders nothing if the text is too long
/// for a QR code.
pub(super) fn qr_code(text: &str, label: &'static str) -> Html {
    let Ok(code) = QrCode::encode_binary(text.as_bytes(), QrCodeEcc::Medium) else {
        return Html::default();
    };
    let width = code.size() + 2 * QUIET_ZONE;
    html! {
        <svg class="qr-code" viewBox={format!("0 0 {width} {width}")} role="img" aria-label={label}>
            <path d={path(&code)} />
        </svg>
    }
}

/// Returns the outline of the dark modules: a rectangle for each run of them in a row.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut start = None;
        // A position outside of the code is light, so the last run also ends.
        for x in 0..=code.size() {
            match (start, code.get_module(x, y)) {
                (None, true) => start = Some(x),
                (Some(from), false) => {
                    let length = x - from;
                    let (left, top) = (from + QUIET_ZONE, y + QUIET_ZONE);
                    // Writing to a string does not fail.
                    let _ = write!(path, "M{left} {top}h{length}v1h-{length}z");
                    start = None;
                }
                _ => {}
            }
        }
    }
    path
}
