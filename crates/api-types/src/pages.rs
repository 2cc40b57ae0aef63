/// A page of the web app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The path of the page.
    pub path: &'static str,
    /// When the page is available.
    pub availability: PageAvailability,
}

/// When a page is available. At any other time, its path has the 404 page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAvailability {
    /// The page is always available.
    Always,
    /// The page is available unless the pages belong to an app that has a page in its place.
    WithoutApp,
    /// The page is available if the server can send mails.
    Mail,
    /// The page is available if users can sign in by e-mailed code.
    EmailSignIn,
}

/// The pages of the web app. The server responds to the path of each available page with the app.
/// On any other path, the app shows its 404 page.
pub const PAGES: [Page; 9] = [
    Page { path: "/", availability: PageAvailability::WithoutApp },
    Page { path: "/signup", availability: PageAvailability::Always },
    Page { path: "/login", availability: PageAvailability::Always },
    Page { path: "/private", availability: PageAvailability::WithoutApp },
    Page { path: "/settings", availability: PageAvailability::Always },
    Page { path: "/forgot", availability: PageAvailability::Mail },
    Page { path: "/reset", availability: PageAvailability::Mail },
    Page { path: "/verify", availability: PageAvailability::Mail },
    Page { path: "/login/email", availability: PageAvailability::EmailSignIn },
];
