//! An app that keeps its own tables in the file.

use rusqlite::Connection;
use user_store::{SqliteStore, UserStore as _};

use crate::sqlite::{Folder, ada, creation, hash};

#[tokio::test]
async fn an_app_can_keep_its_own_tables_in_the_file() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    let app = folder.sql();
    app.execute_batch("CREATE TABLE app_notes (user TEXT NOT NULL, text TEXT NOT NULL)").unwrap();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    app.execute("INSERT INTO app_notes VALUES (?1, 'hello')", [user.id.to_string()]).unwrap();
    drop((store, app));

    let store = folder.open();
    assert_eq!(store.user(user.id).await.unwrap(), Some(user));
    let copy = folder.0.path().join("backup.db");
    store.backup(&copy).await.unwrap();
    SqliteStore::open_existing(&copy).unwrap();
    for path in [folder.path(), copy] {
        let file = Connection::open(path).unwrap();
        let notes = file.query_row("SELECT text FROM app_notes", [], |row| row.get(0));
        assert_eq!(notes, Ok("hello".to_owned()));
    }
}
