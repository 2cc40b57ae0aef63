use std::rc::Rc;

use api_types::Me;
use yew::Reducible;

use crate::error::ApiError;
use crate::storage;

/// The user of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id of the account.
    pub id: String,
    /// The email address, as typed.
    pub email: String,
    /// When the account was created (RFC 3339, UTC).
    pub created_at: String,
    /// When the email address was verified (RFC 3339, UTC). `None` if it was not.
    pub email_verified_at: Option<String>,
    /// `true` if logging in requires a second factor.
    pub second_factor: bool,
    /// `true` if the operator requires a second factor, and the user has none yet.
    pub second_factor_enrolment_required: bool,
    /// The roles of the user, in alphabetical order.
    pub roles: Vec<String>,
}

impl From<Me> for User {
    fn from(me: Me) -> Self {
        Self {
            id: me.id,
            email: me.email,
            created_at: me.created_at,
            email_verified_at: me.email_verified_at,
            second_factor: me.second_factor,
            second_factor_enrolment_required: me.second_factor_enrolment_required,
            roles: me.roles,
        }
    }
}

/// The state of the session, as far as this tab knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Session {
    /// There is a token, or a cookie to get one with, and the server has not answered yet.
    Loading,
    /// There is a token or a cookie, but the request to the server failed.
    Unconfirmed(ApiError),
    /// There is neither a token nor a cookie for this tab.
    #[default]
    SignedOut,
    /// The server has confirmed the token.
    SignedIn(User),
    /// The user has signed out. The token is removed, and the server has not answered yet.
    Ending,
}

impl Session {
    /// Returns the initial state, before the server's first response. Needs a browser.
    #[must_use]
    pub fn at_start() -> Self {
        Self::initial(storage::token().is_some(), storage::remembered().is_some())
    }

    /// Returns the initial state. A tab without a token uses the refresh cookie only if the browser
    /// remembers a session. Otherwise, the cookie belongs to another tab.
    const fn initial(has_token: bool, is_remembered: bool) -> Self {
        if has_token || is_remembered { Self::Loading } else { Self::SignedOut }
    }
}

/// A [`Session`], and what the server has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// The state of the session.
    pub(crate) session: Session,
    /// How many times the server has confirmed a session. The number lets a private page
    /// distinguish a new confirmation from an earlier one.
    pub(crate) confirmations: u32,
    /// `true` if the server has confirmed the session, and it has not had to expire since.
    pub(crate) is_active: bool,
}

/// A change to the [`State`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// The client asks the server to check the session.
    Ask,
    /// The server has confirmed the token.
    Confirm(User),
    /// The server has said what is stored about the user now.
    Update(User),
    /// The request failed.
    Fail(ApiError),
    /// The session must have expired, and the request failed.
    Expire(ApiError),
    /// The page is being left, and the browser may keep it in the back-forward cache.
    Hide,
    /// The user signs out.
    End,
    /// There is no session any more.
    SignOut,
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let is_active = match action {
            Action::Confirm(_) | Action::Update(_) => true,
            Action::Expire(_) | Action::End | Action::SignOut => false,
            Action::Ask | Action::Fail(_) | Action::Hide => self.is_active,
        };
        let session = match (&self.session, action) {
            (_, Action::SignOut) => Session::SignedOut,
            // A late answer must not undo a sign-out.
            (Session::Ending, _) => return self,
            (_, Action::End) => Session::Ending,
            (_, Action::Ask) | (Session::SignedIn(_), Action::Hide) => Session::Loading,
            (Session::Loading, Action::Confirm(user)) => Session::SignedIn(user),
            // An answer from before a sign-in must not replace the user.
            (Session::SignedIn(old), Action::Update(user)) if old.id == user.id && *old != user => {
                Session::SignedIn(user)
            }
            (Session::Loading, Action::Fail(error))
            | (Session::SignedIn(_), Action::Expire(error)) => Session::Unconfirmed(error),
            (session, Action::Expire(_)) => session.clone(),
            _ => return self,
        };
        let confirmed = matches!(session, Session::SignedIn(_));
        let confirmations = self.confirmations.wrapping_add(u32::from(confirmed));
        Rc::new(Self { session, confirmations, is_active })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> User {
        User {
            id: "018f".to_owned(),
            email: "ada@example.com".to_owned(),
            created_at: "2026-04-14T09:30:00Z".to_owned(),
            email_verified_at: None,
            second_factor: false,
            second_factor_enrolment_required: false,
            roles: Vec::new(),
        }
    }

    fn after(start: Session, actions: impl IntoIterator<Item = Action>) -> State {
        let state = Rc::new(State { session: start, ..State::default() });
        let end = actions.into_iter().fold(state, State::reduce);
        Rc::unwrap_or_clone(end)
    }

    #[test]
    fn a_tab_without_a_token_asks_the_server_only_with_the_remember_flag() {
        assert_eq!(Session::initial(false, false), Session::SignedOut);
        for (has_token, is_remembered) in [(false, true), (true, false), (true, true)] {
            assert_eq!(Session::initial(has_token, is_remembered), Session::Loading);
        }
    }

    #[test]
    fn a_confirmed_token_signs_in() {
        let state = after(Session::Loading, [Action::Confirm(ada())]);
        let session = Session::SignedIn(ada());
        assert_eq!(state, State { session, confirmations: 1, is_active: true });
    }

    #[test]
    fn every_confirmation_is_counted() {
        let twice = [Action::Confirm(ada()), Action::Ask, Action::Confirm(ada())];
        assert_eq!(after(Session::Loading, twice).confirmations, 2);
    }

    #[test]
    fn a_failed_request_does_not_end_the_session() {
        let state = after(Session::Loading, [Action::Fail(ApiError::Unreachable)]);
        assert_eq!(state.session, Session::Unconfirmed(ApiError::Unreachable));
        assert_eq!(state.confirmations, 0);
    }

    #[test]
    fn a_late_confirmation_does_not_undo_a_sign_out() {
        let late = [Action::End, Action::Confirm(ada())];
        assert_eq!(after(Session::Loading, late).session, Session::Ending);
        let later = [Action::End, Action::SignOut, Action::Confirm(ada())];
        assert_eq!(after(Session::Loading, later).session, Session::SignedOut);
    }

    #[test]
    fn a_new_request_does_not_undo_a_sign_out() {
        let asked = [Action::End, Action::Ask, Action::Fail(ApiError::Unreachable)];
        assert_eq!(after(Session::SignedIn(ada()), asked).session, Session::Ending);
    }

    #[test]
    fn a_session_that_must_have_expired_is_unconfirmed() {
        let expire = || [Action::Expire(ApiError::Unreachable)];
        let unconfirmed = Session::Unconfirmed(ApiError::Unreachable);
        assert_eq!(after(Session::SignedIn(ada()), expire()).session, unconfirmed);
        for session in [Session::SignedOut, Session::Loading, Session::Ending] {
            assert_eq!(after(session.clone(), expire()).session, session);
        }
    }

    #[test]
    fn a_session_is_active_from_its_confirmation_until_it_must_have_expired() {
        let fail = || [Action::Ask, Action::Fail(ApiError::Unreachable)];
        let confirm = || [Action::Ask, Action::Confirm(ada())];
        assert!(!after(Session::Loading, fail()).is_active);
        assert!(after(Session::Loading, confirm().into_iter().chain(fail())).is_active);
        let expire = || confirm().into_iter().chain([Action::Expire(ApiError::Unreachable)]);
        assert!(!after(Session::Loading, expire().chain(fail())).is_active);
        let late = fail().into_iter().chain([Action::Expire(ApiError::Unreachable)]);
        assert!(!after(Session::Loading, confirm().into_iter().chain(late)).is_active);
        assert!(after(Session::Loading, expire().chain(confirm())).is_active);
        for end in [Action::End, Action::SignOut] {
            assert!(!after(Session::Loading, confirm().into_iter().chain([end])).is_active);
        }
    }

    #[test]
    fn an_update_replaces_the_data_of_the_same_user_only() {
        let update = |user: &User| [Action::Update(user.clone())];
        let moved = User { email: "ada@example.org".to_owned(), ..ada() };
        let state = after(Session::SignedIn(ada()), update(&moved));
        assert_eq!(state.session, Session::SignedIn(moved.clone()));
        let other = User { id: "018e".to_owned(), ..ada() };
        let state = after(Session::SignedIn(ada()), update(&other));
        assert_eq!(state.session, Session::SignedIn(ada()));
        for session in [Session::SignedOut, Session::Loading, Session::Ending] {
            assert_eq!(after(session.clone(), update(&moved)).session, session);
        }
    }

    #[test]
    fn a_hidden_page_forgets_the_user() {
        assert_eq!(after(Session::SignedIn(ada()), [Action::Hide]).session, Session::Loading);
        assert_eq!(after(Session::SignedOut, [Action::Hide]).session, Session::SignedOut);
    }
}
