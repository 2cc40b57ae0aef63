use yew::prelude::*;

/// Renders the account of a form that does not ask for it, for password managers.
pub fn hidden_username(email: &AttrValue) -> Html {
    html! {
        <input type="text" autocomplete="username" value={email.clone()} readonly=true hidden=true />
    }
}
