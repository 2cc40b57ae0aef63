use accounts::{
    AddPasskey, AddPasskeyError, AssertionCredential, Caller, ChangeFactorError, EventKind,
    FactorKind, IssuedTokens, MAX_PASSKEYS, Origin, PasskeyOptionsError, PasskeyRegistrationError,
    PasskeySignInError, RegistrationCredential, RemovePasskeyError, RenamePasskeyError, SignIn,
    SignInWithPasskey, SignedIn, TurnOnError,
};

use super::app::{FactorApp, MILLISECOND, MINUTE, caller, first_step_on};
use crate::app::{EMAIL, PASSWORD, SERVICE};
use crate::passkey::SoftPasskey;

async fn sign_in(
    app: &FactorApp,
    credential: &AssertionCredential,
) -> Result<IssuedTokens, PasskeySignInError> {
    let caller = &caller();
    let request = SignInWithPasskey { credential, remember: false, caller, replaces: None };
    app.sign_in_with_passkey(request).await
}

async fn try_add(
    app: &FactorApp,
    signed_in: &SignedIn,
    credential: &RegistrationCredential,
) -> Result<accounts::Passkey, AddPasskeyError> {
    let caller = &caller();
    app.add_passkey(AddPasskey { signed_in, name: "Phone", credential, caller }).await
}

#[tokio::test]
async fn a_passkey_alone_opens_a_session() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let options = app.passkey_registration_options(&ada).await.unwrap();
    assert_eq!((&*options.rp_id, &*options.rp_name), ("auth.example.com", "auth.example.com"));
    assert_eq!(&options.user_id, ada.id().as_uuid().as_bytes());
    assert_eq!(options.user_name, EMAIL);
    assert_eq!(options.exclude, []);
    let (soft, passkey) = app.add(&ada).await;
    assert_eq!(passkey.name.as_str(), "Laptop");
    let exclude = app.passkey_registration_options(&ada).await.unwrap().exclude;
    assert_eq!(exclude, [passkey.credential_id]);

    let options = app.passkey_sign_in_options(None).await.unwrap();
    assert_eq!((&*options.rp_id, options.allow.len()), ("auth.example.com", 0));
    let tokens = sign_in(&app, &soft.assert(&options.challenge)).await.unwrap();
    assert!(tokens.refresh.max_age.is_none());
    assert!(tokens.device.is_some());
    let signed_in = app.session_of(&tokens).await;
    assert_eq!(signed_in.id(), ada.id());
    assert_eq!(signed_in.amr().values().collect::<Vec<_>>(), ["pop", "user", "mfa"]);
    let factors = app.factors(&ada).await.unwrap();
    assert_eq!(factors.passkeys[0].last_used_at, Some(app.now()));
    assert_eq!(factors.second_factor_at, None, "a passkey does not turn the second factor on");
    assert_eq!(
        app.events().await[2..],
        [EventKind::PasskeyAdded, EventKind::SignedIn],
        "the first two are those of the account and of the sign-in with the password"
    );
}

#[tokio::test]
async fn a_sign_in_with_a_passkey_can_be_remembered_and_replaces_a_session() {
    let app = FactorApp::new().await;
    let caller = caller();
    let outcome = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await.unwrap();
    let tokens = outcome.into_tokens().unwrap();
    let ada = app.session_of(&tokens).await;
    let (soft, _) = app.add(&ada).await;
    let browser = Caller { device: tokens.device.clone(), ..caller };
    let request = SignInWithPasskey {
        credential: &soft.assert(&app.challenge(None).await),
        remember: true,
        caller: &browser,
        replaces: Some(&tokens.refresh.token),
    };
    let renewed = app.sign_in_with_passkey(request).await.unwrap();
    assert!(renewed.refresh.max_age.is_some());
    assert_eq!(*renewed.device.unwrap().to_text(), *tokens.device.unwrap().to_text());
    assert!(!app.is_active(&ada).await);
}

#[tokio::test]
async fn a_passkey_alone_opens_a_session_while_the_second_factor_is_on() {
    let (app, phone) = FactorApp::with_phone().await;
    let (soft, _) = app.add(&app.with_both_factors(&phone).await).await;
    sign_in(&app, &soft.assert(&app.challenge(None).await)).await.unwrap();
}

#[tokio::test]
async fn the_user_handle_must_be_that_of_the_owner() {
    let app = FactorApp::new().await;
    let (mut soft, _) = app.add(&app.ada().await).await;
    let own = soft.user_handle.clone();
    let grace = app.grace().await.id();
    for handle in [None, Some(Vec::new()), Some(grace.as_uuid().as_bytes().to_vec())] {
        soft.user_handle = handle;
        let rejected = sign_in(&app, &soft.assert(&app.challenge(None).await)).await;
        assert!(matches!(rejected, Err(PasskeySignInError::InvalidCredentials)));
    }
    soft.user_handle = own;
    sign_in(&app, &soft.assert(&app.challenge(None).await)).await.unwrap();
}

#[tokio::test]
async fn every_rejected_passkey_gets_the_same_error() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let (mut soft, _) = app.add(&ada).await;
    let is_rejected = async |credential: &AssertionCredential| {
        let result = sign_in(&app, credential).await;
        matches!(result, Err(PasskeySignInError::InvalidCredentials))
    };
    let unknown = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    assert!(is_rejected(&unknown.assert(&app.challenge(None).await)).await, "unknown passkey");
    let mut forged = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    forged.id.clone_from(&soft.id);
    assert!(is_rejected(&forged.assert(&app.challenge(None).await)).await, "wrong signature");
    assert!(is_rejected(&soft.assert(b"no challenge of the service")).await, "wrong challenge");
    soft.origin = "https://auth.example.net".to_owned();
    assert!(is_rejected(&soft.assert(&app.challenge(None).await)).await, "wrong origin");
    soft.origin = SERVICE.to_owned();
    let for_another_purpose = app.passkey_registration_options(&ada).await.unwrap().challenge;
    assert!(is_rejected(&soft.assert(&for_another_purpose)).await, "wrong purpose");

    let user = ada.id();
    app.operator().disable(user).await.unwrap();
    assert!(is_rejected(&soft.assert(&app.challenge(None).await)).await, "disabled account");
    app.operator().enable(user).await.unwrap();
    sign_in(&app, &soft.assert(&app.challenge(None).await)).await.unwrap();
    app.operator().delete(user).await.unwrap();
    assert!(is_rejected(&soft.assert(&app.challenge(None).await)).await, "deleted account");
}

#[tokio::test]
async fn a_challenge_is_valid_for_five_minutes_and_once() {
    let app = FactorApp::new().await;
    let (soft, _) = app.add(&app.ada().await).await;
    let credential = soft.assert(&app.challenge(None).await);
    app.advance(5 * MINUTE);
    let expired = sign_in(&app, &credential).await;
    assert!(matches!(expired, Err(PasskeySignInError::ChallengeExpired)));
    let credential = soft.assert(&app.challenge(None).await);
    app.advance(5 * MINUTE - MILLISECOND);
    sign_in(&app, &credential).await.unwrap();
    let used = sign_in(&app, &credential).await;
    assert!(matches!(used, Err(PasskeySignInError::ChallengeExpired)));
}

#[tokio::test]
async fn a_passkey_whose_counter_has_not_grown_is_rejected() {
    let app = FactorApp::new().await;
    let (mut soft, _) = app.add(&app.ada().await).await;
    for (sign_count, is_accepted) in [(7, true), (7, false), (0, false), (6, false), (8, true)] {
        soft.sign_count = sign_count;
        let result = sign_in(&app, &soft.assert(&app.challenge(None).await)).await;
        assert_eq!(result.is_ok(), is_accepted, "{sign_count}");
    }
    let events = app.events().await;
    let regressed = events.iter().filter(|kind| **kind == EventKind::PasskeyCounterRegressed);
    assert_eq!(regressed.count(), 3);
}

#[tokio::test]
async fn a_passkey_is_added_with_a_challenge_of_the_same_session() {
    let app = FactorApp::new().await;
    let (ada, other) = (app.ada().await, app.ada().await);
    let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    let foreign = app.passkey_registration_options(&other).await.unwrap().challenge;
    let for_signing_in = app.challenge(None).await;
    for challenge in [foreign, for_signing_in, b"invented".to_vec()] {
        let rejected = try_add(&app, &ada, &soft.register(&challenge)).await;
        assert!(matches!(rejected, Err(AddPasskeyError::CredentialInvalid)));
    }
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let credential = soft.register(&challenge);
    app.advance(5 * MINUTE);
    let expired = try_add(&app, &ada, &credential).await;
    assert!(matches!(expired, Err(AddPasskeyError::ChallengeExpired)));
    assert_eq!(app.factors(&ada).await.unwrap().passkeys, []);
}

#[tokio::test]
async fn a_challenge_adds_one_passkey() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let handle = ada.id();
    let soft = || SoftPasskey::new(SERVICE, handle.as_uuid().as_bytes());
    try_add(&app, &ada, &soft().register(&challenge)).await.unwrap();
    let again = try_add(&app, &ada, &soft().register(&challenge)).await;
    assert!(matches!(again, Err(AddPasskeyError::ChallengeExpired)));
}

#[tokio::test]
async fn a_passkey_of_another_origin_is_not_added() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let mut soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    soft.origin = "https://auth.example.net".to_owned();
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let rejected = try_add(&app, &ada, &soft.register(&challenge)).await;
    assert!(matches!(rejected, Err(AddPasskeyError::CredentialInvalid)));
}

#[tokio::test]
async fn a_passkey_is_added_once_and_a_user_has_at_most_twenty() {
    let app = FactorApp::new().await;
    let (ada, grace) = (app.ada().await, app.grace().await);
    let (soft, _) = app.add(&ada).await;
    for user in [&ada, &grace] {
        let challenge = app.passkey_registration_options(user).await.unwrap().challenge;
        let taken = try_add(&app, user, &soft.register(&challenge)).await;
        assert!(matches!(taken, Err(AddPasskeyError::Taken)));
    }
    for _ in 1..MAX_PASSKEYS {
        app.add(&ada).await;
    }
    let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let many = try_add(&app, &ada, &soft.register(&challenge)).await;
    assert!(matches!(many, Err(AddPasskeyError::TooMany)));
    app.add(&grace).await;
}

#[tokio::test]
async fn a_passkey_can_be_renamed_by_its_owner() {
    let app = FactorApp::new().await;
    let (ada, grace) = (app.ada().await, app.grace().await);
    let (_, passkey) = app.add(&ada).await;
    let renamed = app.rename_passkey(&ada, passkey.id, " Key 2 ").await.unwrap();
    assert_eq!(renamed.name.as_str(), "Key 2");
    assert_eq!(app.factors(&ada).await.unwrap().passkeys, [renamed]);
    for name in ["", " ", "a\nb", &"x".repeat(65)] {
        let invalid = app.rename_passkey(&ada, passkey.id, name).await;
        assert!(matches!(invalid, Err(RenamePasskeyError::InvalidName(_))), "{name}");
    }
    let foreign = app.rename_passkey(&grace, passkey.id, "Mine").await;
    assert!(matches!(foreign, Err(RenamePasskeyError::NoSuchPasskey)));
}

#[tokio::test]
async fn the_name_of_a_new_passkey_is_checked() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let (signed_in, credential, caller) = (&ada, &soft.register(&challenge), &caller());
    let request = AddPasskey { signed_in, name: "", credential, caller };
    let invalid = app.add_passkey(request).await;
    assert!(matches!(invalid, Err(AddPasskeyError::InvalidName(_))));
    app.add_passkey(AddPasskey { name: "Phone", ..request }).await.unwrap();
}

#[tokio::test]
async fn a_removed_passkey_opens_no_session_and_other_sessions_end() {
    let app = FactorApp::new().await;
    let (ada, grace) = (app.ada().await, app.grace().await);
    let (soft, passkey) = app.add(&ada).await;
    let other = app.ada().await;
    let foreign = app.remove_passkey(&grace, passkey.id, &caller()).await;
    assert!(matches!(foreign, Err(RemovePasskeyError::NoSuchPasskey)));
    app.remove_passkey(&ada, passkey.id, &caller()).await.unwrap();
    assert!(app.is_active(&ada).await);
    assert!(!app.is_active(&other).await);
    let rejected = sign_in(&app, &soft.assert(&app.challenge(None).await)).await;
    assert!(matches!(rejected, Err(PasskeySignInError::InvalidCredentials)));
    let again = app.remove_passkey(&ada, passkey.id, &caller()).await;
    assert!(matches!(again, Err(RemovePasskeyError::NoSuchPasskey)));
    assert_eq!(app.events().await.last(), Some(&EventKind::PasskeyRemoved));
}

#[tokio::test]
async fn a_passkey_can_be_required_after_the_password() {
    let app = FactorApp::new().await;
    let (ada, other) = (app.ada().await, app.ada().await);
    let none = app.turn_second_factor_on(&ada, &caller()).await;
    assert!(matches!(none, Err(TurnOnError::NoFactor)));
    let (soft, passkey) = app.add(&ada).await;
    let codes = app.turn_second_factor_on(&ada, &caller()).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(!app.is_active(&other).await);
    let again = app.turn_second_factor_on(&ada, &caller()).await.unwrap();
    assert!(again.is_empty(), "it was on already");

    let required = app.first_step().await;
    assert_eq!(required.factors, [FactorKind::Passkey, FactorKind::RecoveryCode]);
    app.second_step_by_passkey(&required, &soft).await.unwrap();

    let last = app.remove_passkey(&ada, passkey.id, &caller()).await;
    assert!(matches!(last, Err(RemovePasskeyError::LastFactor)));
    app.add(&ada).await;
    app.remove_passkey(&ada, passkey.id, &caller()).await.unwrap();
}

#[tokio::test]
async fn an_ended_session_adds_and_removes_no_passkey() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let (_, passkey) = app.add(&ada).await;
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    app.sign_out(&ada, &caller().client).await.unwrap();
    let added = try_add(&app, &ada, &soft.register(&challenge)).await;
    let Err(AddPasskeyError::Change(ChangeFactorError::SessionEnded)) = added else {
        unreachable!("{added:?}")
    };
    let removed = app.remove_passkey(&ada, passkey.id, &caller()).await;
    let Err(RemovePasskeyError::Change(ChangeFactorError::SessionEnded)) = removed else {
        unreachable!("{removed:?}")
    };
}

/// Browsers do not accept an IP address as a relying party.
#[tokio::test]
async fn a_service_at_an_ip_address_has_no_passkeys() {
    let app = FactorApp::with_config(|config| {
        config.origin = Origin::parse("http://127.0.0.1:3000").unwrap();
    })
    .await;
    assert!(app.relying_party().is_none());
    let ada = app.ada().await;
    let options = app.passkey_sign_in_options(None).await;
    assert!(matches!(options, Err(PasskeyOptionsError::PasskeysUnavailable)));
    let options = app.passkey_registration_options(&ada).await;
    assert!(matches!(options, Err(PasskeyRegistrationError::PasskeysUnavailable)));
    let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
    let added = try_add(&app, &ada, &soft.register(b"challenge")).await;
    assert!(matches!(added, Err(AddPasskeyError::PasskeysUnavailable)));
    let signed_in = sign_in(&app, &soft.assert(b"challenge")).await;
    assert!(matches!(signed_in, Err(PasskeySignInError::PasskeysUnavailable)));
    app.turn_on(&ada).await;
    let second = app.second_step_by_credential(&soft.assert(b"challenge")).await;
    assert!(matches!(second, Err(accounts::CompleteSignInError::PasskeysUnavailable)));
}

/// If the public URL of a service changes to another host, its passkeys become useless.
#[tokio::test]
async fn passkeys_are_not_offered_where_they_cannot_be_used() {
    let (app, phone) = FactorApp::with_phone().await;
    app.add(&app.with_both_factors(&phone).await).await;
    let ip_address = Origin::parse("http://127.0.0.1:3000").unwrap();
    let moved = app.another_server_with(|config| config.origin = ip_address).await;
    let required = first_step_on(&moved, PASSWORD).await;
    assert_eq!(required.factors, [FactorKind::Totp, FactorKind::RecoveryCode]);
}
