use auth_core::{
    AssertionCredential, Origin, PasskeyPublicKey, PasskeyState, RegistrationCredential,
    RelyingParty,
};
use serde_json::{Value, json};

use crate::encoding::{decode, encode};

/// Prints verdicts of a relying party.
pub(crate) struct Service {
    pub(crate) origin: String,
    record: String,
    pub(crate) service: RelyingParty,
}

impl Service {
    pub(crate) fn new(origin: &str, record: &str) -> Self {
        let service = RelyingParty::new(&Origin::parse(origin).unwrap()).unwrap();
        Self { origin: origin.to_owned(), record: record.to_owned(), service }
    }

    pub(crate) fn register(&self, change: &str, challenge: &str, json: &Value) {
        let verdict = RegistrationCredential::parse(json).and_then(|credential| {
            self.service.verify_registration(&credential)?;
            Ok(decode(challenge) == credential.challenge())
        });
        let verdict = match verdict {
            Ok(true) => "accepted".to_owned(),
            Ok(false) => "Challenge".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        self.print(json!({
            "ceremony": "registration",
            "change": change,
            "challenge": challenge,
            "credential": json,
            "verdict": verdict,
        }));
    }

    pub(crate) fn assert(
        &self,
        change: &str,
        challenge: &str,
        json: &Value,
        cose: &[u8],
        sign_count: u32,
    ) {
        let stored = PasskeyState { sign_count, backup_eligible: false, backed_up: false };
        let key = PasskeyPublicKey::from_cose(cose).unwrap();
        let verdict = AssertionCredential::parse(json).and_then(|credential| {
            let verified = self.service.verify_assertion(&credential, &key)?;
            Ok((decode(challenge) == credential.challenge(), stored.accept(&verified)))
        });
        let verdict = match verdict {
            Ok((true, Ok(_))) => "accepted".to_owned(),
            Ok((true, Err(error))) => format!("{error:?}"),
            Ok((false, _)) => "Challenge".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        self.print(json!({
            "ceremony": "assertion",
            "change": change,
            "challenge": challenge,
            "credential": json,
            "stored": { "publicKey": encode(cose), "counter": sign_count },
            "verdict": verdict,
        }));
    }

    fn print(&self, mut line: Value) {
        line["record"] = json!(self.record);
        line["origin"] = json!(self.origin);
        line["rpId"] = json!(self.service.id());
        println!("{line}");
    }
}
