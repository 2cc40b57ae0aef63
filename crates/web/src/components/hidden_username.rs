use yew::prelude::*;

/// Renders a hidden username field, which tells password managers the account of a form.
pub fn hidden_username(email: &AttrValue) -> Html {
    html! {
        <input type="text" autocomplete="username" value={email.clone()} readonly=true hidden=true />
    }
}
