use std::time::Duration;

use auth_core::{ClientInfo, CounterKey, MailId, Network, OneTimeCode, Random, Timestamp, UserId};
use user_store::{NewCode, NewMail};

/// Returns a new mail that this client requests.
pub(crate) fn new_mail(client: &ClientInfo, now: Timestamp, random: &dyn Random) -> NewMail {
    let network = CounterKey::mails_by_network(Network::of(client.ip()));
    NewMail { id: MailId::generate(now, random), network }
}

/// Returns a new code that only this user can use.
pub(crate) fn new_code(
    user: UserId,
    lifetime: Duration,
    client: ClientInfo,
    now: Timestamp,
    random: &dyn Random,
) -> NewCode {
    let code = OneTimeCode::generate(random);
    NewCode {
        hash: code.hash_for_user(user),
        code,
        expires_at: now + lifetime,
        mail: new_mail(&client, now, random),
        client,
    }
}
