use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::FilledUser;
use crate::command::CommandResult;

/// The number of users that one statement inserts.
const BATCH: u32 = 10_000;

/// Adds users to a PostgreSQL database. Connects without TLS, as a superuser.
pub(super) async fn fill(url: &str, users: u32, hash: &str) -> CommandResult<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    // Disables the triggers that check foreign keys.
    client.batch_execute("SET session_replication_role = replica").await?;
    for first in (0..users).step_by(usize::try_from(BATCH)?) {
        let batch = first..users.min(first + BATCH);
        let batch: CommandResult<Vec<_>> = batch.map(FilledUser::new).collect();
        insert(&client, &batch?, hash).await?;
    }
    // Otherwise, both would happen during the measurement.
    client.batch_execute("VACUUM (ANALYZE)").await?;
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    Ok(connection.await??)
}

async fn insert(client: &Client, users: &[FilledUser], hash: &str) -> CommandResult<()> {
    let ids: Vec<Uuid> = users.iter().map(|user| *user.id.as_uuid()).collect();
    let emails: Vec<_> = users.iter().map(|user| user.email.as_str()).collect();
    let keys: Vec<_> = users.iter().map(|user| user.email.key().as_str()).collect();
    let times: Vec<_> = users.iter().map(|user| user.created_at.as_millisecond()).collect();
    client
        .execute(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)
             SELECT id, email, email_key, $5, created_at
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
                 AS new (id, email, email_key, created_at)",
            &[&ids, &emails, &keys, &times, &hash],
        )
        .await?;
    let sessions = || users.iter().map(|user| &user.session);
    let session_ids: Vec<Uuid> = sessions().map(|new| *new.session.id.as_uuid()).collect();
    let idle_ends: Vec<_> =
        sessions().map(|new| new.session.idle_expires_at.as_millisecond()).collect();
    let ends: Vec<_> = sessions().map(|new| new.session.expires_at.as_millisecond()).collect();
    let families: Vec<_> = sessions().map(|new| &new.family.as_bytes()[..]).collect();
    let tokens: Vec<_> = sessions().map(|new| &new.refresh_token.as_bytes()[..]).collect();
    client
        .execute(
            "INSERT INTO sessions (id, user_id, created_at, last_used_at, idle_expires_at,
                                   expires_at, remember, refresh_family, refresh_token)
             SELECT id, user_id, created_at, created_at, idle_expires_at, expires_at, true,
                    family, token
             FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[],
                         $6::bytea[], $7::bytea[])
                 AS new (id, user_id, created_at, idle_expires_at, expires_at, family, token)",
            &[&session_ids, &ids, &times, &idle_ends, &ends, &families, &tokens],
        )
        .await?;
    Ok(())
}
