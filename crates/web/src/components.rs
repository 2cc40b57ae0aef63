//! The parts of pages. They take properties and callbacks, send no requests and do not use the
//! session. A part without state is a plain function.

mod activity_list;
mod busy_button;
mod checkbox;
mod email_field;
mod error_page;
mod field;
mod form;
mod form_data;
mod hidden_username;
mod keyhole;
mod link;
mod loading_page;
mod local_date;
mod local_time;
mod nav_bar;
mod notice;
mod page_title;
mod password_field;
mod progress;
mod sessions_list;
mod time_ago;

pub use activity_list::{ActivityList, ActivityListProps};
pub use busy_button::{BusyButton, BusyButtonProps};
pub use checkbox::checkbox;
pub use email_field::{EmailField, EmailFieldProps};
pub use error_page::error_page;
pub use form::{Form, FormProps};
pub use form_data::FormData;
pub use hidden_username::hidden_username;
pub use keyhole::{door, keyhole};
pub use link::{Link, LinkProps};
pub use loading_page::loading_page;
pub use local_date::{LocalDate, LocalDateProps};
pub use nav_bar::{NavBar, NavBarProps};
pub use notice::{alert, status};
pub use page_title::{PageTitle, PageTitleProps, use_page_title};
pub use password_field::{PasswordField, PasswordFieldProps};
pub use progress::{Failure, Progress};
pub use sessions_list::{EndSessions, SessionsList, SessionsListProps};
pub use time_ago::{TimeAgo, TimeAgoProps};
