//! The parts of pages. They take properties and callbacks, and know neither the server
//! nor the session. What keeps nothing between two renderings is a function, for every component
//! is code of its own that has to be downloaded.

mod activity_list;
mod busy_button;
mod checkbox;
mod email_field;
mod field;
mod form;
mod keyhole;
mod link;
mod local_date;
mod local_time;
mod nav_bar;
mod notice;
mod page_title;
mod password_field;
mod progress;
mod sessions_list;
mod time_ago;
mod trouble;
mod typed;
mod waiting;

pub use activity_list::{ActivityList, ActivityListProps};
pub use busy_button::{BusyButton, BusyButtonProps};
pub use checkbox::checkbox;
pub use email_field::{EmailField, EmailFieldProps};
pub use form::{Form, FormProps};
pub use keyhole::{door, keyhole};
pub use link::{Link, link};
pub use local_date::{LocalDate, LocalDateProps};
pub use nav_bar::{NavBar, NavBarProps};
pub use notice::{alert, status};
pub use page_title::{PageTitle, PageTitleProps, use_page_title};
pub use password_field::{PasswordField, PasswordFieldProps};
pub use progress::{Failure, Progress};
pub use sessions_list::{EndSessions, SessionsList, SessionsListProps};
pub use time_ago::{TimeAgo, TimeAgoProps};
pub use trouble::trouble;
pub use typed::Typed;
pub use waiting::waiting;
