use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    Accounts, AddPasskey, AssertionCredential, Caller, ClientInfo, CompleteSignIn,
    CompleteSignInError, Config, EventKind, IssuedTokens, Passkey, RecoveryCode, SecondFactor,
    SecondFactorRequired, SignIn, SignInOutcome, SignedIn, TotpSecret,
};

use crate::app::{EMAIL, PASSWORD, SERVICE, TestApp, authenticate};
use crate::passkey::SoftPasskey;

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
/// The time step of an app.
pub(super) const STEP: Duration = Duration::from_secs(30);
pub(super) const OTHER: &str = "grace@example.com";

/// A service with Ada's account.
pub(super) struct FactorApp {
    app: TestApp,
}

/// Ada's app, and her recovery codes.
pub(super) struct Phone {
    pub(super) secret: TotpSecret,
    pub(super) recovery_codes: Vec<RecoveryCode>,
}

impl FactorApp {
    pub(super) async fn new() -> Self {
        Self::with_config(|_| ()).await
    }

    pub(super) async fn with_config(change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::with_config(change).await;
        app.account().await;
        Self { app }
    }

    /// Starts a service and turns the second factor of Ada's account on with an app.
    pub(super) async fn with_phone() -> (Self, Phone) {
        let app = Self::new().await;
        let phone = app.turn_on(&app.ada().await).await;
        (app, phone)
    }

    /// Signs Ada in with the password alone.
    pub(super) async fn ada(&self) -> SignedIn {
        self.signed_in(EMAIL).await
    }

    pub(super) async fn grace(&self) -> SignedIn {
        self.sign_up(OTHER, PASSWORD, &caller()).await.unwrap();
        self.signed_in(OTHER).await
    }

    async fn signed_in(&self, email: &str) -> SignedIn {
        let caller = caller();
        let outcome = self.sign_in(SignIn::new(email, PASSWORD, &caller)).await.unwrap();
        self.session_of(&outcome.into_tokens().unwrap()).await
    }

    pub(super) async fn session_of(&self, tokens: &IssuedTokens) -> SignedIn {
        authenticate(self, tokens).await.unwrap()
    }

    /// Returns whether the session is active.
    pub(super) async fn is_active(&self, signed_in: &SignedIn) -> bool {
        let sessions = self.operator().sessions(signed_in.id()).await.unwrap();
        sessions.iter().any(|it| it.session.id == signed_in.session().id)
    }

    /// Returns the kinds of the events of Ada's account, oldest first.
    pub(super) async fn events(&self) -> Vec<EventKind> {
        let user = self.operator().user(EMAIL).await.unwrap();
        let events = self.operator().events(Some(user.id), None, 100).await.unwrap();
        events.into_iter().map(|(_, event)| event.kind).collect()
    }

    /// Turns the second factor on, or replaces the app. Then waits for the next code.
    pub(super) async fn turn_on(&self, signed_in: &SignedIn) -> Phone {
        let secret = self.begin_totp(signed_in, &caller()).await.unwrap().secret;
        let code = secret.code_at(self.now()).to_text();
        let recovery_codes = self.confirm_totp(signed_in, &code, &caller()).await.unwrap();
        self.advance(STEP);
        Phone { secret, recovery_codes }
    }

    /// Completes the first step with Ada's password.
    pub(super) async fn first_step(&self) -> SecondFactorRequired {
        self.first_step_with(PASSWORD).await
    }

    pub(super) async fn first_step_with(&self, password: &str) -> SecondFactorRequired {
        first_step_on(self, password).await
    }

    /// Completes the second step.
    pub(super) async fn second_step(
        &self,
        required: &SecondFactorRequired,
        factor: SecondFactor<'_>,
    ) -> Result<IssuedTokens, CompleteSignInError> {
        second_step_on(self, required, factor).await
    }

    /// Completes the second step with the current app code.
    pub(super) async fn second_step_with(
        &self,
        required: &SecondFactorRequired,
        phone: &Phone,
    ) -> Result<IssuedTokens, CompleteSignInError> {
        let code = self.code(phone);
        self.second_step(required, SecondFactor::Code(&code)).await
    }

    /// Completes the second step with a passkey.
    pub(super) async fn second_step_by_passkey(
        &self,
        required: &SecondFactorRequired,
        passkey: &SoftPasskey,
    ) -> Result<IssuedTokens, CompleteSignInError> {
        let challenge = self.challenge(Some(required)).await;
        let credential = passkey.assert(&challenge);
        self.second_step(required, SecondFactor::Passkey(&credential)).await
    }

    /// Completes both steps, the second one with this credential.
    pub(super) async fn second_step_by_credential(
        &self,
        credential: &AssertionCredential,
    ) -> Result<IssuedTokens, CompleteSignInError> {
        self.second_step(&self.first_step().await, SecondFactor::Passkey(credential)).await
    }

    /// Signs Ada in with the password and the app, and then waits for the next code.
    pub(super) async fn with_both_factors(&self, phone: &Phone) -> SignedIn {
        let tokens = self.second_step_with(&self.first_step().await, phone).await.unwrap();
        self.advance(STEP);
        self.session_of(&tokens).await
    }

    /// Returns the current app code.
    pub(super) fn code(&self, phone: &Phone) -> String {
        phone.secret.code_at(self.now()).to_text().to_string()
    }

    /// Returns a code that the app shows neither now nor in the next minutes.
    pub(super) fn wrong_code(&self, phone: &Phone) -> String {
        let near = |step: u32| {
            let code = phone.secret.code_at(self.now() - 10 * STEP + step * STEP);
            code.to_text().to_string()
        };
        let near: Vec<_> = (0..20).map(near).collect();
        let mut codes = (0..).map(|n: u32| format!("{n:06}"));
        codes.find(|code| !near.contains(code)).unwrap()
    }

    /// Returns the challenge for signing in.
    pub(super) async fn challenge(&self, required: Option<&SecondFactorRequired>) -> Vec<u8> {
        let ticket = required.map(|required| required.ticket.as_str());
        self.passkey_sign_in_options(ticket).await.unwrap().challenge
    }

    /// Adds a passkey.
    pub(super) async fn add(&self, signed_in: &SignedIn) -> (SoftPasskey, Passkey) {
        let soft = SoftPasskey::new(SERVICE, signed_in.id().as_uuid().as_bytes());
        let challenge = self.passkey_registration_options(signed_in).await.unwrap().challenge;
        let credential = soft.register(&challenge);
        let (name, credential, caller) = ("Laptop", &credential, &caller());
        let request = AddPasskey { signed_in, name, credential, caller };
        let passkey = self.add_passkey(request).await.unwrap();
        (soft, passkey)
    }

    pub(super) fn advance(&self, time: Duration) {
        self.app.advance(time);
    }

    pub(super) async fn another_server(&self) -> Arc<Accounts> {
        self.app.another_server().await
    }

    pub(super) async fn another_server_with(
        &self,
        change: impl FnOnce(&mut Config),
    ) -> Arc<Accounts> {
        self.app.another_server_with(change).await
    }
}

impl Deref for FactorApp {
    type Target = Accounts;

    fn deref(&self) -> &Accounts {
        &self.app
    }
}

pub(super) async fn first_step_on(server: &Accounts, password: &str) -> SecondFactorRequired {
    let caller = caller();
    required(server.sign_in(SignIn::new(EMAIL, password, &caller)).await.unwrap())
}

pub(super) async fn second_step_on(
    server: &Accounts,
    required: &SecondFactorRequired,
    factor: SecondFactor<'_>,
) -> Result<IssuedTokens, CompleteSignInError> {
    let (ticket, caller) = (required.ticket.as_str(), &caller());
    server.complete_sign_in(CompleteSignIn { ticket, factor, caller, replaces: None }).await
}

#[track_caller]
pub(super) fn required(outcome: SignInOutcome) -> SecondFactorRequired {
    match outcome {
        SignInOutcome::SecondFactorRequired(required) => required,
        SignInOutcome::SignedIn(_) => unreachable!("no second factor was required"),
    }
}

pub(super) fn caller() -> Caller {
    ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0")).into()
}
