use yew::prelude::*;

/// Renders a hidden username field, which tells password managers which account a form is for.
pub fn hidden_username(email: &AttrValue) -> Html {
    html! {
        <input type="text" autocomplete="username" value={email.clone()} readonly=true hidden=true />
    }
}
