//! Roles, custom claims and metadata.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{
    Accounts, Caller, CustomClaims, Metadata, MetadataChange, MetadataKind, MetadataValue,
    OperatorError, RefreshError, Role, RoleChange, Roles, ServiceError, SignIn, SignInError,
    TooManyRoles, User, UserId,
};
use auth_core::{AccessTokenVerifier, Claims, ManualClock, RefreshState};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, SERVICE, TestApp, authenticate, builder, issue, refresh};

fn role(name: &str) -> Role {
    Role::parse(name).unwrap()
}

/// Returns the claims of a token, as another service reads them.
async fn claims(server: &Accounts, tokens: &accounts::IssuedTokens) -> Claims {
    let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &server.jwks().await).unwrap();
    verifier.verify(tokens.access.token.as_str(), server.now()).unwrap()
}

#[tokio::test]
async fn a_change_of_roles_takes_effect_at_the_next_request_on_every_server() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let ada = app.user().await;
    assert!(!ada.has_role("admin") && ada.roles().is_empty());
    let granted = other_server.operator().grant_role(ada.id(), &role("admin")).await.unwrap();
    assert_eq!(granted, RoleChange::Changed);
    let next = authenticate(&app, &ada.tokens).await.unwrap();
    assert!(next.has_role("admin") && !next.has_role("adm"));
    let revoked = other_server.operator().revoke_role(ada.id(), &role("admin")).await.unwrap();
    assert_eq!(revoked, RoleChange::Changed);
    assert!(!authenticate(&app, &ada.tokens).await.unwrap().has_role("admin"));
}

#[tokio::test]
async fn other_services_see_a_change_of_roles_after_the_next_refresh() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    assert_eq!(claims(&app, &ada.tokens).await.roles, Roles::NONE);
    app.operator().grant_role(ada.id(), &role("admin")).await.unwrap();
    assert!(!claims(&app, &ada.tokens).await.has_role("admin"));
    let tokens = refresh(&app, &ada.tokens).await.unwrap();
    assert!(claims(&app, &tokens).await.has_role("admin"));
    // A second tab that refreshes at the same time gets the role too.
    let repeated = refresh(&app, &ada.tokens).await.unwrap();
    assert!(claims(&app, &repeated).await.has_role("admin"));
    assert!(claims(&app, &issue(&app, false).await).await.has_role("admin"));
    app.operator().revoke_role(ada.id(), &role("admin")).await.unwrap();
    let tokens = refresh(&app, &tokens).await.unwrap();
    assert_eq!(claims(&app, &tokens).await.roles, Roles::NONE);
}

#[tokio::test]
async fn a_role_is_granted_once_and_only_to_a_user() {
    let app = TestApp::new().await;
    let ada = app.account().await;
    let operator = app.operator();
    let unchanged = operator.revoke_role(ada.id, &role("admin")).await.unwrap();
    assert_eq!(unchanged, RoleChange::Unchanged);
    for expected in [RoleChange::Changed, RoleChange::Unchanged] {
        assert_eq!(operator.grant_role(ada.id, &role("admin")).await.unwrap(), expected);
    }
    for n in 1..Roles::MAX_COUNT {
        operator.grant_role(ada.id, &role(&format!("role-{n}"))).await.unwrap();
    }
    let rejected = operator.grant_role(ada.id, &role("one-too-many")).await;
    assert!(matches!(rejected, Err(OperatorError::TooManyRoles(TooManyRoles))), "{rejected:?}");
    let absent: UserId = "01960000-0000-7000-8000-00000000ada0".parse().unwrap();
    let rejected = operator.grant_role(absent, &role("admin")).await;
    assert!(matches!(rejected, Err(OperatorError::NoSuchUser)), "{rejected:?}");
}

#[tokio::test]
async fn metadata_is_read_and_changed_by_the_app_only() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let plan = MetadataValue::new(&json!({ "plan": "pro" })).unwrap();
    let note = MetadataValue::new(&"pays late").unwrap();
    for (kind, value) in [(MetadataKind::Public, &plan), (MetadataKind::Private, &note)] {
        let change = MetadataChange { user: ada.id(), kind, value: Some(value.clone()) };
        app.operator().set_metadata(&change).await.unwrap();
    }
    let expected = Metadata { public: Some(plan.clone()), private: Some(note) };
    assert_eq!(app.metadata(ada.id()).await.unwrap(), Some(expected));
    assert_eq!(app.export(&ada).await.unwrap().public_metadata, Some(plan));
    let absent = "01960000-0000-7000-8000-00000000ada0".parse().unwrap();
    assert_eq!(app.metadata(absent).await.unwrap(), None);
    let change = MetadataChange { user: absent, kind: MetadataKind::Public, value: None };
    let rejected = app.operator().set_metadata(&change).await;
    assert!(matches!(rejected, Err(OperatorError::NoSuchUser)), "{rejected:?}");
}

/// An app whose hook returns the roles that it is given, and can fail or stall.
struct App {
    accounts: Arc<Accounts>,
    clock: Arc<ManualClock>,
    seen: Arc<Mutex<Vec<User>>>,
    fails: Arc<AtomicBool>,
    stalls: Arc<AtomicBool>,
    _folder: TempDir,
}

impl App {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let seen = Arc::<Mutex<Vec<User>>>::default();
        let (fails, stalls) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let hook = {
            let (seen, fails, stalls) =
                (Arc::clone(&seen), Arc::clone(&fails), Arc::clone(&stalls));
            move |user: User| {
                let fails = fails.load(Ordering::SeqCst);
                let stalls = stalls.load(Ordering::SeqCst);
                seen.lock().unwrap().push(user.clone());
                async move {
                    if stalls {
                        std::future::pending::<()>().await;
                    }
                    let name = if fails { "sub" } else { "seen" };
                    let mut claims = serde_json::Map::new();
                    claims.insert(name.to_owned(), json!(user.roles.as_str()));
                    Ok(CustomClaims::new(&claims)?)
                }
            }
        };
        let manual = Arc::<ManualClock>::clone(&clock);
        let accounts = builder(&folder, manual, |_| ()).token_claims(hook).build().await.unwrap();
        accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
        Self { accounts, clock, seen, fails, stalls, _folder: folder }
    }
}

#[tokio::test]
async fn a_hook_adds_claims_at_every_sign_in_and_refresh() {
    let app = App::new().await;
    let tokens = issue(&app.accounts, false).await;
    let custom = claims(&app.accounts, &tokens).await.custom;
    assert_eq!(custom.get::<Value>().unwrap(), json!({ "seen": "" }));
    let user = authenticate(&app.accounts, &tokens).await.unwrap();
    assert_eq!(app.seen.lock().unwrap().len(), 1, "not called for a request");
    app.accounts.operator().grant_role(user.id(), &role("admin")).await.unwrap();
    let tokens = refresh(&app.accounts, &tokens).await.unwrap();
    let custom = claims(&app.accounts, &tokens).await.custom;
    assert_eq!(custom.get::<Value>().unwrap(), json!({ "seen": "admin" }));
    assert_eq!(app.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_hook_that_fails_prevents_a_sign_in_and_opens_no_session() {
    let app = App::new().await;
    app.fails.store(true, Ordering::SeqCst);
    let rejected = app.accounts.sign_in(SignIn::new(EMAIL, PASSWORD, &Caller::default())).await;
    let Err(error) = rejected else { panic!("the hook fails") };
    assert!(matches!(error, SignInError::Service(ServiceError::TokenClaims)), "{error:?}");
    let ada = app.accounts.operator().user(EMAIL).await.unwrap();
    assert!(app.accounts.operator().sessions(ada.id).await.unwrap().is_empty());
    app.fails.store(false, Ordering::SeqCst);
    issue(&app.accounts, false).await;
}

#[tokio::test]
async fn a_session_survives_a_hook_that_fails_for_longer_than_a_refresh_can_be_repeated() {
    let app = App::new().await;
    let tokens = issue(&app.accounts, false).await;
    app.fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let rejected = refresh(&app.accounts, &tokens).await;
        assert!(matches!(rejected, Err(RefreshError::Service(ServiceError::TokenClaims))));
        app.clock.advance(RefreshState::GRACE);
    }
    app.fails.store(false, Ordering::SeqCst);
    refresh(&app.accounts, &tokens).await.unwrap();
}

#[tokio::test]
async fn a_hook_that_stalls_fails_after_five_seconds() {
    let app = App::new().await;
    let tokens = issue(&app.accounts, false).await;
    app.stalls.store(true, Ordering::SeqCst);
    let refreshed = tokio::time::timeout(Duration::from_secs(30), refresh(&app.accounts, &tokens));
    let rejected = refreshed.await.unwrap();
    assert!(matches!(rejected, Err(RefreshError::Service(ServiceError::TokenClaims))));
}

#[tokio::test]
async fn a_hook_that_panics_fails_and_the_session_remains() {
    let folder = tempfile::tempdir().unwrap();
    let panics = Arc::<AtomicBool>::default();
    let hook = {
        let panics = Arc::clone(&panics);
        move |_: User| {
            let panics = panics.load(Ordering::SeqCst);
            async move {
                if panics {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                Ok(CustomClaims::default())
            }
        }
    };
    let app = builder(&folder, Arc::<ManualClock>::default(), |_| ());
    let app = app.token_claims(hook).build().await.unwrap();
    app.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let tokens = issue(&app, false).await;
    panics.store(true, Ordering::SeqCst);
    let rejected = app.sign_in(SignIn::new(EMAIL, PASSWORD, &Caller::default())).await;
    assert!(matches!(rejected, Err(SignInError::Service(ServiceError::TokenClaims))));
    let rejected = refresh(&app, &tokens).await;
    assert!(matches!(rejected, Err(RefreshError::Service(ServiceError::TokenClaims))));
    panics.store(false, Ordering::SeqCst);
    refresh(&app, &tokens).await.unwrap();
}
