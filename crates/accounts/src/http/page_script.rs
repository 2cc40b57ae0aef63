/// The script at `/latchkey-page.js`: a page that contains it is loaded again when another tab logs
/// in or out.
pub const PAGE_SCRIPT: &str = include_str!("latchkey-page.js");
