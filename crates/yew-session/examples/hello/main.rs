//! A Yew app with a log-in form, and a response that only users get.
use web_sys::HtmlInputElement;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_session::api_types::{ErrorCode, SecondFactorRequest, SecondFactorRequired, TokenRequest};
use yew_session::{ApiError, Call, Request, Session, SessionProvider, SignInError, use_session};

fn main() {
    yew::Renderer::<App>::new().render();
}

#[component]
fn App() -> Html {
    html! { <SessionProvider><Page /></SessionProvider> }
}

#[component]
pub(crate) fn Page() -> Html {
    let session = use_session();
    match session.session() {
        Session::SignedOut => html! { <LogIn /> },
        Session::SignedIn(user) => html! { <Hello key={user.id.clone()} /> },
        Session::Unconfirmed(error) => {
            let text = error.to_string();
            let onclick = move |_| session.reload_user();
            html! { <p role="alert">{text}<button {onclick}>{"Try again"}</button></p> }
        }
        Session::Loading | Session::Ending => html! { <p>{"One moment…"}</p> },
    }
}

#[component]
fn LogIn() -> Html {
    let session = use_session();
    let (failure, second) = (use_state(String::new), use_state(|| None::<SecondFactorRequired>));
    let [email, password] = [use_node_ref(), use_node_ref()];
    let [remember, code] = [use_node_ref(), use_node_ref()];
    let onsubmit = {
        let (failure, second) = (failure.clone(), second.clone());
        let [email, password] = [email.clone(), password.clone()];
        let [remember, code] = [remember.clone(), code.clone()];
        move |event: SubmitEvent| {
            event.prevent_default();
            let (session, failure, second) = (session.clone(), failure.clone(), second.clone());
            let [email, password, code] = [&email, &password, &code].map(text);
            let remember = is_checked(&remember);
            spawn_local(async move {
                let outcome = match &*second {
                    Some(SecondFactorRequired { ticket, .. }) => {
                        let second = SecondFactorRequest::code(ticket, code);
                        session.complete_sign_in(&second).await
                    }
                    None => session.sign_in(&TokenRequest { email, password, remember }).await,
                };
                failure.set(String::new());
                match outcome {
                    Err(SignInError::SecondFactorRequired(required)) => second.set(Some(required)),
                    Err(SignInError::Api(error)) if error.has_code(ErrorCode::InvalidTicket) => {
                        failure.set(error.to_string());
                        second.set(None); // The log-in starts again with the password.
                    }
                    Err(error) => failure.set(error.to_string()),
                    Ok(()) => {} // The state of the session changes, and this form disappears.
                }
            });
        }
    };
    html! {
        <form {onsubmit}>
            if second.is_some() {
                <label>{"Code from your app "}<input ref={code} inputmode="numeric" /></label>
            } else {
                <label>{"E-mail "}<input ref={email} autocomplete="username" /></label>
                <label>{"Password "}<input ref={password} type="password" /></label>
                <label><input ref={remember} type="checkbox" />{" Keep me signed in"}</label>
            }
            <button>{"Log in"}</button>
            <p role="alert">{&*failure}</p>
        </form>
    }
}

fn text(input: &NodeRef) -> String {
    input.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
}

fn is_checked(input: &NodeRef) -> bool {
    input.cast::<HtmlInputElement>().is_some_and(|input| input.checked())
}

#[component]
fn Hello() -> Html {
    let session = use_session();
    let greeting = use_state(|| Ok::<_, ApiError>("Loading…".to_owned()));
    use_effect_with((), {
        let (session, greeting) = (session.clone(), greeting.clone());
        move |()| {
            spawn_local(async move {
                let private = Call::text(Request::new("GET", "/private"));
                greeting.set(session.authorized(private).await);
            });
        }
    });
    let onclick = move |_| session.sign_out(|_outcome| {});
    let text = (*greeting).clone().unwrap_or_else(|error| error.to_string());
    html! { <main><p>{text}</p><button {onclick}>{"Log out"}</button></main> }
}
