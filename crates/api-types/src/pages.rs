/// The paths of the web app's pages. The server responds to each of them with the app. On any other
/// path, the app shows its 404 page.
pub const PAGE_PATHS: [&str; 5] = ["/", "/signup", "/login", "/private", "/settings"];
