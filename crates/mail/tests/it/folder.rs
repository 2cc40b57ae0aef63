use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use accounts::{MailTransport as _, OutgoingMail};
use mail::{MailFolder, OpenMailFolderError};

use crate::support::{mail, sender};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_mail_is_one_private_file_that_a_second_attempt_replaces() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("new/mail");
    let folder = MailFolder::open(&path, &sender()).unwrap();
    assert_eq!(mode(&path), 0o700);
    let mail = mail();
    folder.send(&mail).await.unwrap();
    folder.send(&mail).await.unwrap();
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()).collect();
    let expected = path.join(format!("20260102T030405Z-{}.eml", mail.id));
    assert_eq!(files, std::slice::from_ref(&expected));
    assert_eq!(mode(&expected), 0o600);
    assert!(fs::read_to_string(&expected).unwrap().contains("K7QM-2XRD"));
}

#[tokio::test]
async fn a_reader_never_sees_a_part_of_a_mail() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = MailFolder::open(temporary.path(), &sender()).unwrap();
    let old = mail();
    folder.send(&old).await.unwrap();
    let path = fs::read_dir(temporary.path()).unwrap().next().unwrap().unwrap().path();
    let mut reader = fs::File::open(&path).unwrap();
    let new = OutgoingMail { text: "The new text.\n".to_owned(), ..old };
    folder.send(&new).await.unwrap();
    // The reader has the old file, which is whole, and not the beginning of the new one.
    let mut content = String::new();
    reader.read_to_string(&mut content).unwrap();
    assert!(content.contains("K7QM-2XRD") && !content.contains("The new text."), "{content}");
    assert!(fs::read_to_string(&path).unwrap().contains("The new text."));
}

#[tokio::test]
async fn names_sort_by_time() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = MailFolder::open(temporary.path(), &sender()).unwrap();
    for seconds in [100, 7, 1_000_000_000] {
        let date = auth_core::Timestamp::from_second(seconds).unwrap();
        let mail = OutgoingMail { date, subject: seconds.to_string(), ..mail() };
        folder.send(&mail).await.unwrap();
    }
    let mut files: Vec<_> =
        fs::read_dir(temporary.path()).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    for (file, subject) in files.iter().zip(["7", "100", "1000000000"]) {
        let content = fs::read_to_string(file).unwrap();
        assert!(content.contains(&format!("Subject: {subject}\r\n")), "{content}");
    }
}

#[test]
fn a_path_that_is_no_folder_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = MailFolder::open(file.path(), &sender()).unwrap_err();
    assert!(matches!(error, OpenMailFolderError::Create { .. }), "{error}");
}
