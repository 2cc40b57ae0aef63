//! Passkeys.

use auth_core::{
    Amr, PasskeyChallenge, PasskeyId, PasskeyName, PasskeyState, SystemRandom, UserId,
    VerifiedAssertion,
};

use crate::audit::{Event, EventKind};
use crate::conformance::code_steps::kinds_of_events;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    SYNCED, add, add_passkey, begin_totp, challenge, confirm, delete_mails, is_opened, new_passkey,
    passkey_sign_in, passkey_use, present, session_with, sign_in_verified, sign_in_with_passkey,
    sign_up_with_app, stored, turn_on,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, client, current_credentials, is_alive, kinds_of_mails, mail_id,
    open,
};
use crate::factors::{
    AddPasskeyOutcome, ConfirmTotpOutcome, MAX_PASSKEYS, NewPasskey, OpenedSession, Passkey,
    PasskeySignIn, PasskeySignInOutcome, PasskeyUse, PresentedFactor, RemovePasskeyOutcome,
    SecondStepOutcome, TurnOnOutcome,
};
use crate::users::UpdateUserOutcome;

cases! {
    ($) passkeys_cases in passkeys;
    an_added_passkey_is_found,
    a_challenge_adds_one_passkey,
    a_credential_id_belongs_to_one_passkey,
    a_user_has_at_most_20_passkeys,
    a_passkey_belongs_to_the_acting_user,
    a_passkey_is_renamed_by_its_owner,
    a_removed_passkey_is_unknown,
    the_last_factor_is_not_removed,
    a_passkey_alone_opens_a_session_of_its_owner,
    a_passkey_opens_no_session_of_another_or_disabled_user,
    a_challenge_opens_one_session,
    the_state_of_a_passkey_is_updated_by_its_use,
    a_passkey_whose_counter_has_not_grown_is_rejected,
    a_passkey_that_is_no_longer_eligible_for_backup_is_rejected,
}

async fn an_added_passkey_is_found(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (other, _) = open(&store, &ada).await;
    let mut new = new_passkey(ada.id);
    new.passkey.state =
        PasskeyState { sign_count: u32::MAX, backup_eligible: false, backed_up: false };
    assert_eq!(store.passkey(&new.passkey.credential_id).await.unwrap(), None);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    let found = store.passkey(&new.passkey.credential_id).await.unwrap();
    assert_eq!(found, Some(new.passkey.clone()));
    let event = Event::by_user(EventKind::PasskeyAdded, NOW, client());
    let event = event.about(ada.id).in_session(session.id);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
    assert_eq!(kinds_of_mails(&store).await, ["passkey_added"]);
    let second = add_passkey(&store, &session).await;
    let mut passkeys = vec![new.passkey, second];
    passkeys.sort_by_key(|passkey| *passkey.id.as_uuid());
    assert_eq!(store.factors(ada.id).await.unwrap().passkeys, passkeys);
    // Adding a passkey neither turns the second factor on nor ends a session.
    assert_eq!(stored(&store, &ada).await, ada);
    assert!(is_alive(&store, &other).await);
}

async fn a_challenge_adds_one_passkey(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let first = new_passkey(ada.id);
    assert_eq!(add(&store, &session, &first).await, AddPasskeyOutcome::Added);
    let again = NewPasskey { challenge: first.challenge, ..new_passkey(ada.id) };
    assert_eq!(add(&store, &session, &again).await, AddPasskeyOutcome::ChallengeUsed);
    let expired = PasskeyChallenge { expires_at: NOW, ..challenge() };
    let late = NewPasskey { challenge: expired, ..new_passkey(ada.id) };
    assert_eq!(add(&store, &session, &late).await, AddPasskeyOutcome::ChallengeUsed);
    assert_eq!(store.factors(ada.id).await.unwrap().passkeys, [first.passkey]);
}

async fn a_credential_id_belongs_to_one_passkey(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (grace, of_grace) = sign_in_verified(&store, "grace@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    for (user, session) in [(&ada, &session), (&grace, &of_grace)] {
        let events = kinds_of_events(&store).await;
        let mut new = new_passkey(user.id);
        new.passkey.credential_id = passkey.credential_id.clone();
        assert_eq!(add(&store, session, &new).await, AddPasskeyOutcome::Taken);
        assert_eq!(kinds_of_events(&store).await, events);
        // The challenge was not used up.
        let new = NewPasskey { challenge: new.challenge, ..new_passkey(user.id) };
        assert_eq!(add(&store, session, &new).await, AddPasskeyOutcome::Added);
    }
    let found = store.passkey(&passkey.credential_id).await.unwrap();
    assert_eq!(found, Some(passkey));
}

async fn a_user_has_at_most_20_passkeys(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (_, of_grace) = sign_in_verified(&store, "grace@example.com").await;
    let mut last = add_passkey(&store, &session).await;
    for _ in 1..MAX_PASSKEYS {
        last = add_passkey(&store, &session).await;
    }
    let new = new_passkey(ada.id);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::TooMany);
    assert_eq!(store.factors(ada.id).await.unwrap().passkeys.len(), 20);
    add_passkey(&store, &of_grace).await;
    let removed = store.remove_passkey(&acting(&session), last.id, None, NOW).await.unwrap();
    assert_eq!(removed, RemovePasskeyOutcome::Removed);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
}

async fn a_passkey_belongs_to_the_acting_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (grace, _) = sign_in_verified(&store, "grace@example.com").await;
    let new = new_passkey(grace.id);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    let expected = Passkey { user: ada.id, ..new.passkey };
    assert_eq!(store.factors(ada.id).await.unwrap().passkeys, [expected]);
    assert_eq!(store.factors(grace.id).await.unwrap().passkeys, []);
}

async fn a_passkey_is_renamed_by_its_owner(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (grace, _) = sign_in_verified(&store, "grace@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let untouched = add_passkey(&store, &session).await;
    let name = PasskeyName::parse("Laptop 💻").unwrap();
    let unknown = PasskeyId::generate(NOW, &SystemRandom);
    for (user, id) in [(grace.id, passkey.id), (ada.id, unknown)] {
        assert_eq!(store.rename_passkey(user, id, &name).await.unwrap(), None);
    }
    assert_eq!(store.passkey(&passkey.credential_id).await.unwrap(), Some(passkey.clone()));
    let renamed = Passkey { name: name.clone(), ..passkey.clone() };
    let outcome = store.rename_passkey(ada.id, passkey.id, &name).await.unwrap();
    assert_eq!(outcome, Some(renamed.clone()));
    assert_eq!(store.passkey(&passkey.credential_id).await.unwrap(), Some(renamed));
    let found = store.passkey(&untouched.credential_id).await.unwrap();
    assert_eq!(found, Some(untouched));
}

async fn a_removed_passkey_is_unknown(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (_, of_grace) = sign_in_verified(&store, "grace@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let kept = add_passkey(&store, &session).await;
    let foreign = add_passkey(&store, &of_grace).await;
    let (other, _) = open(&store, &ada).await;
    delete_mails(&store).await;
    let remove = async |id| {
        let notice = Some(mail_id());
        store.remove_passkey(&acting(&session), id, notice, NOW).await.unwrap()
    };
    assert_eq!(remove(foreign.id).await, RemovePasskeyOutcome::NotFound);
    assert!(is_alive(&store, &other).await);
    assert_eq!(remove(passkey.id).await, RemovePasskeyOutcome::Removed);
    assert_eq!(store.factors(ada.id).await.unwrap().passkeys, [kept]);
    assert_eq!(store.passkey(&passkey.credential_id).await.unwrap(), None);
    let event = Event::by_user(EventKind::PasskeyRemoved, NOW, client());
    let event = event.about(ada.id).in_session(session.id);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
    assert_eq!(kinds_of_mails(&store).await, ["passkey_removed"]);
    assert!(!is_alive(&store, &other).await && is_alive(&store, &session).await);
    assert!(is_alive(&store, &of_grace).await);
    assert_eq!(remove(passkey.id).await, RemovePasskeyOutcome::NotFound);
    let rejected = sign_in_with_passkey(&store, &passkey_sign_in(&passkey)).await;
    assert_eq!(rejected, PasskeySignInOutcome::Rejected);
    assert_eq!(store.passkey(&foreign.credential_id).await.unwrap(), Some(foreign));
}

async fn the_last_factor_is_not_removed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let [first, second] =
        [add_passkey(&store, &session).await, add_passkey(&store, &session).await];
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
    let remove = async |id| store.remove_passkey(&acting(&session), id, None, NOW).await.unwrap();
    assert_eq!(remove(first.id).await, RemovePasskeyOutcome::Removed);
    // An app that is not confirmed does not count.
    let secret = begin_totp(&store, &session).await;
    let events = kinds_of_events(&store).await;
    assert_eq!(remove(second.id).await, RemovePasskeyOutcome::LastFactor);
    assert_eq!(kinds_of_events(&store).await, events);
    let passkeys = store.factors(ada.id).await.unwrap().passkeys;
    assert_eq!(passkeys, std::slice::from_ref(&second));
    let code = secret.code_at(NOW);
    let confirmed = confirm(&store, &session, code).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::Replaced);
    assert_eq!(remove(second.id).await, RemovePasskeyOutcome::Removed);
}

async fn a_passkey_alone_opens_a_session_of_its_owner(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    for is_on in [false, true] {
        if is_on {
            assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
        }
        let first = passkey_sign_in(&passkey);
        let device_version = current_credentials(&store, &ada).await.device_version;
        let user = stored(&store, &ada).await;
        let opened = OpenedSession { user: user.clone(), device_version, ended: vec![] };
        let outcome = sign_in_with_passkey(&store, &first).await;
        assert_eq!(outcome, PasskeySignInOutcome::Opened(opened.clone()));
        let new = first.session.session;
        let found = store.session(new.id, NOW).await.unwrap().unwrap();
        assert_eq!((found.session, found.user), (new, user));
        assert_eq!(found.session.amr.to_string(), "pop user mfa");
        let event = Event::by_user(EventKind::SignedIn, NOW, client());
        let event = event.about(ada.id).in_session(new.id).with_amr(Amr::PASSKEY);
        assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);

        let mut second = passkey_sign_in(&passkey);
        second.session.replaces = Some(first.session.family);
        let opened = OpenedSession { ended: vec![new.id], ..opened };
        let outcome = sign_in_with_passkey(&store, &second).await;
        assert_eq!(outcome, PasskeySignInOutcome::Opened(opened));
        assert!(!is_alive(&store, &new).await && is_alive(&store, &session).await);
    }
}

async fn a_passkey_opens_no_session_of_another_or_disabled_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (grace, _) = sign_in_verified(&store, "grace@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let right = passkey_sign_in(&passkey);
    let unknown = UserId::generate(NOW, &SystemRandom);
    let events = kinds_of_events(&store).await;
    for (user, amr) in [(grace.id, Amr::PASSKEY), (unknown, Amr::PASSKEY), (ada.id, Amr::PASSWORD)]
    {
        let sign_in = PasskeySignIn { session: session_with(user, amr, NOW), ..right.clone() };
        let outcome = sign_in_with_passkey(&store, &sign_in).await;
        assert_eq!(outcome, PasskeySignInOutcome::Rejected);
        assert!(!is_alive(&store, &sign_in.session.session).await);
    }
    assert_eq!(kinds_of_events(&store).await, events);
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let outcome = sign_in_with_passkey(&store, &right).await;
    assert_eq!(outcome, PasskeySignInOutcome::Rejected);
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let outcome = sign_in_with_passkey(&store, &right).await;
    assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
}

async fn a_challenge_opens_one_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, session) = sign_in_verified(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let sign_in = passkey_sign_in(&passkey);
    let outcome = sign_in_with_passkey(&store, &sign_in).await;
    assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
    let again = PasskeySignIn { passkey: sign_in.passkey, ..passkey_sign_in(&passkey) };
    let outcome = sign_in_with_passkey(&store, &again).await;
    assert_eq!(outcome, PasskeySignInOutcome::ChallengeUsed);
    assert!(!is_alive(&store, &again.session.session).await);
    let mut expired = passkey_sign_in(&passkey);
    expired.passkey.challenge.expires_at = NOW;
    let outcome = sign_in_with_passkey(&store, &expired).await;
    assert_eq!(outcome, PasskeySignInOutcome::ChallengeUsed);
}

/// Signs in with a passkey alone whose authenticator reports this state.
async fn report(store: &Server, passkey: &Passkey, state: PasskeyState) -> PasskeySignInOutcome {
    let mut sign_in = passkey_sign_in(passkey);
    sign_in.passkey.assertion = VerifiedAssertion { state };
    sign_in_with_passkey(store, &sign_in).await
}

async fn the_state_of_a_passkey_is_updated_by_its_use(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let mut new = new_passkey(ada.id);
    new.passkey.state = PasskeyState { sign_count: 7, backup_eligible: false, backed_up: false };
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    let untouched = add_passkey(&store, &session).await;
    let state = PasskeyState { sign_count: u32::MAX, ..SYNCED };
    let later = NOW + SECOND;
    let mut sign_in = passkey_sign_in(&new.passkey);
    sign_in.session = session_with(ada.id, Amr::PASSKEY, later);
    sign_in.passkey.assertion = VerifiedAssertion { state };
    let outcome = sign_in_with_passkey(&store, &sign_in).await;
    assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
    let expected = Passkey { state, last_used_at: Some(later), ..new.passkey };
    let found = store.passkey(&expected.credential_id).await.unwrap();
    assert_eq!(found, Some(expected));
    let found = store.passkey(&untouched.credential_id).await.unwrap();
    assert_eq!(found, Some(untouched.clone()));
    // An authenticator that does not count always reports 0.
    for _ in 0..2 {
        let outcome = report(&store, &untouched, SYNCED).await;
        assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
    }
}

async fn a_passkey_whose_counter_has_not_grown_is_rejected(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    let mut new = new_passkey(ada.id);
    new.passkey.state.sign_count = 7;
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    let passkey = new.passkey;
    let regressed = Event::by_user(EventKind::PasskeyCounterRegressed, NOW, client());
    let regressed = regressed.about(ada.id);
    for (n, sign_count) in [7, 6, 0].into_iter().enumerate() {
        delete_mails(&store).await;
        let assertion = VerifiedAssertion { state: PasskeyState { sign_count, ..SYNCED } };
        let used = PasskeyUse { assertion, ..passkey_use(&passkey) };
        let sign_in = PasskeySignIn { passkey: used.clone(), ..passkey_sign_in(&passkey) };
        let factor = PresentedFactor::Passkey(used);
        // The rejection is recorded once: the challenge is used up.
        if n % 2 == 0 {
            let outcome = sign_in_with_passkey(&store, &sign_in).await;
            assert_eq!(outcome, PasskeySignInOutcome::Rejected);
            let outcome = sign_in_with_passkey(&store, &sign_in).await;
            assert_eq!(outcome, PasskeySignInOutcome::ChallengeUsed);
        } else {
            let outcome = present(&store, &ada, factor.clone()).await;
            assert_eq!(outcome, SecondStepOutcome::CredentialInvalid);
            let outcome = present(&store, &ada, factor).await;
            assert_eq!(outcome, SecondStepOutcome::ChallengeUsed);
        }
        let events = store.activity(ada.id, 20).await.unwrap();
        assert_eq!(events[..=n], vec![regressed.clone(); n + 1]);
        assert_ne!(events[n + 1], regressed);
        assert_eq!(kinds_of_mails(&store).await, ["passkey_counter_regressed"]);
    }
    let found = store.passkey(&passkey.credential_id).await.unwrap();
    assert_eq!(found, Some(passkey.clone()), "the state is that of the last accepted use");
    let state = PasskeyState { sign_count: 8, ..SYNCED };
    let outcome = report(&store, &passkey, state).await;
    assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
}

async fn a_passkey_that_is_no_longer_eligible_for_backup_is_rejected(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    delete_mails(&store).await;
    let bound = PasskeyState { sign_count: 0, backup_eligible: false, backed_up: false };
    assert_eq!(report(&store, &passkey, bound).await, PasskeySignInOutcome::Rejected);
    let failed = |kind| [Event::by_user(kind, NOW, client()).about(ada.id)];
    let newest = store.activity(ada.id, 1).await.unwrap();
    assert_eq!(newest, failed(EventKind::SignInFailed));
    let assertion = VerifiedAssertion { state: bound };
    let used = PasskeyUse { assertion, ..passkey_use(&passkey) };
    let outcome = present(&store, &ada, PresentedFactor::Passkey(used)).await;
    assert_eq!(outcome, SecondStepOutcome::CredentialInvalid);
    let newest = store.activity(ada.id, 1).await.unwrap();
    assert_eq!(newest, failed(EventKind::SecondFactorFailed));
    assert!(kinds_of_mails(&store).await.is_empty());
    // It is still eligible, but is not backed up at the moment.
    let state = PasskeyState { backup_eligible: true, ..bound };
    let used = PasskeyUse { assertion: VerifiedAssertion { state }, ..passkey_use(&passkey) };
    assert!(is_opened(&present(&store, &ada, PresentedFactor::Passkey(used)).await));
    let found = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
    assert_eq!(found.state, state);
}
