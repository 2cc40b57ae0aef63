//! Second factors and passkeys.

use auth_core::{ClientInfo, CredentialId, DecoyPosition, Email, SystemRandom, TotpSecret};
use user_store::{
    ActingSession, CodeThrottle, ConfirmTotp, FactorStore as _, PresentedFactor, SecondStepOutcome,
    StoreError, UserStore as _,
};

use super::{Client, EMAILS, LATER, NOW, notice};
use crate::postgres::factors::{
    new_passkey, passkey, passkey_sign_in, recovery_codes, second_step, use_of,
};

impl Client {
    /// Changes or uses the second factors and the passkeys of an account.
    pub(super) async fn factor_step(&mut self, account: usize) -> Result<(), StoreError> {
        let store = &self.store.clone();
        // The older sessions have probably ended.
        self.open_session(account).await?;
        let newest = self.accounts[account].sessions.lock().unwrap().last().cloned();
        let Some((session, _)) = newest else { return Ok(()) };
        let user = session.user_id;
        let acting = &ActingSession { session, client: ClientInfo::default() };
        let passkeys = store.factors(user).await?.passkeys;
        match self.below(14) {
            0..3 => self.set_up_app(acting).await?,
            3..5 => {
                // All accounts share a few credential IDs.
                let number = u8::try_from(self.below(4)).unwrap();
                let credential = CredentialId::from_bytes(&[number; 16]).unwrap();
                let new = new_passkey(passkey(user, credential, NOW));
                let _ = store.add_passkey(acting, &new, NOW).await?;
            }
            5 => {
                let _ =
                    store.turn_second_factor_on(acting, &recovery_codes(), notice(), NOW).await?;
            }
            6 => {
                let _ = store.turn_second_factor_off(acting, notice(), NOW).await?;
            }
            7 => {
                let _ =
                    store.replace_recovery_codes(acting, &recovery_codes(), notice(), NOW).await?;
            }
            8 => {
                let _ = store.purge_factors(LATER, 5).await?;
                let _ = store.reset_second_factor(user, notice(), NOW).await?;
            }
            number => {
                let Some(passkey) = passkeys.first() else { return Ok(()) };
                let used = use_of(passkey.id, NOW);
                if number == 9 {
                    let _ = store.rename_passkey(user, passkey.id, &passkey.name).await?;
                    let _ = store.remove_passkey(acting, passkey.id, notice(), NOW).await?;
                } else if number == 10 {
                    let _ = store.passkey(&passkey.credential_id).await?;
                    let sign_in = passkey_sign_in(user, used, NOW);
                    let _ = store.open_session_with_passkey(&sign_in).await?;
                } else {
                    self.second_step(account, PresentedFactor::Passkey(used)).await?;
                }
            }
        }
        Ok(())
    }

    async fn set_up_app(&mut self, acting: &ActingSession) -> Result<(), StoreError> {
        let secret = TotpSecret::generate(&SystemRandom);
        let _ = self.store.begin_totp(acting, &secret, LATER, NOW).await?;
        let is_wrong = self.below(3) == 0;
        let confirmation = ConfirmTotp {
            code: secret.code_at(if is_wrong { LATER } else { NOW }),
            recovery_codes: recovery_codes(),
            throttle: CodeThrottle::Enforced,
            notice: notice(),
        };
        let _ = self.store.confirm_totp(acting, &confirmation, NOW).await?;
        Ok(())
    }

    /// Tries the second step of a sign-in with a passkey, with a wrong app code, and with a wrong
    /// recovery code.
    async fn second_step(
        &mut self,
        account: usize,
        passkey: PresentedFactor,
    ) -> Result<(), StoreError> {
        let email = Email::parse(EMAILS[account]).unwrap();
        let wrong = TotpSecret::generate(&SystemRandom).code_at(NOW);
        let unknown = PresentedFactor::RecoveryCode(recovery_codes()[0]);
        for factor in [PresentedFactor::AppCode(wrong), unknown, passkey] {
            let challenge = self.store.credentials(email.key(), &DecoyPosition::default()).await?;
            let Some(found) = challenge.account() else { return Ok(()) };
            let Some((step, token)) = second_step(&found, factor, NOW) else { return Ok(()) };
            let outcome = self.store.open_session_with_second_factor(&step).await?;
            if matches!(outcome, SecondStepOutcome::Opened(_)) {
                let session = step.session.session;
                self.accounts[account].sessions.lock().unwrap().push((session, token));
            }
        }
        Ok(())
    }
}
