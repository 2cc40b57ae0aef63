use tokio_postgres::NoTls;

use super::*;

/// A database with an older schema, in which a user has a session.
const FILL: &str = "
    INSERT INTO users (id, email, email_key, password_hash, created_at)
        VALUES ('00000000-0000-0000-0000-000000000001', 'a@b.example', 'a@b.example', 'x', 0);
    INSERT INTO sessions (id, user_id, created_at, last_used_at, idle_expires_at, expires_at,
            remember, refresh_family, refresh_token)
        SELECT gen_random_uuid(), id, 9, 9, 9, 9, false, sha256('1'), sha256('1') FROM users";

/// The statement with which servers of schema 4 open sessions.
const OPEN_SESSION: &str = "
    INSERT INTO sessions (id, user_id, created_at, last_used_at, idle_expires_at, expires_at,
            remember, ip, user_agent, refresh_family, refresh_token)
        SELECT gen_random_uuid(), id, 9, 9, 9, 9, false, NULL, NULL,
            sha256(random()::text::bytea), sha256('1')
        FROM users";

async fn connect(database: &test_postgres::Database) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn servers_of_schema_4_open_no_session_once_the_second_factor_is_on() {
    let database = test_postgres::shared().create_database(None);
    let client = connect(&database).await;
    client.batch_execute(CREATE_META).await.unwrap();
    for migration in &MIGRATIONS[..4] {
        client.batch_execute(migration.sql).await.unwrap();
    }
    client.batch_execute("UPDATE latchkey_meta SET version = 4, min_reader = 1").await.unwrap();
    client.batch_execute(FILL).await.unwrap();
    migrate(&client).await.unwrap();
    let found = version(&client).await.unwrap();
    assert!(found.number == latest() && found.min_reader >= 5, "{found:?}");
    let before = "SELECT amr || coalesce(second_factor_at, -1)
        FROM sessions JOIN users ON users.id = user_id";
    assert_eq!(database.sql(before), "pwd-1");

    client.batch_execute(OPEN_SESSION).await.unwrap();
    client.batch_execute("UPDATE users SET second_factor_at = 9").await.unwrap();
    // The function finds the table, whatever the search path is.
    for path in ["public", "''"] {
        client.batch_execute(&format!("SET search_path = {path}")).await.unwrap();
        let open = OPEN_SESSION.replace("INTO sessions", "INTO public.sessions");
        let open = open.replace("FROM users", "FROM public.users");
        let error = client.batch_execute(&open).await.unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert_eq!(message, "the second factor of the account is on");
    }
    assert_eq!(database.sql("SELECT count(*) FROM sessions"), "2");
}
