//! Writes the file that maps the ids of imported records to the ids of their accounts.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::user_list::ValidUser;
use crate::error::CommandError;

/// The name prefix of the file before the accounts have been imported.
const UNFINISHED: &str = ".unfinished-id-map-";

/// A new file that only its owner can read. It gets its name once the accounts have been imported,
/// so that it never names accounts that do not exist. Once it is written, it is deleted only if no
/// account was imported.
pub(super) struct IdMap {
    path: PathBuf,
    file: NamedTempFile,
}

impl IdMap {
    /// Creates the file under another name. Fails if there is a file at the path: it could be the
    /// only map of an earlier import.
    pub(super) fn create(path: &Path) -> Result<Self, CommandError> {
        if path.symlink_metadata().is_ok() {
            return Err(CommandError::FileExists(path.to_owned()));
        }
        let file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder(path))
            .map_err(|error| CommandError::WriteFile { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes the map of these users, and syncs it to disk. From now on, the file is kept, unless
    /// [`delete_later`](Self::delete_later) is called.
    pub(super) fn write(&mut self, users: &[ValidUser]) -> Result<(), CommandError> {
        self.write_rows(users)
            .and_then(|()| sync(folder(&self.path)))
            .map_err(|error| CommandError::WriteFile { path: self.path.clone(), error })?;
        self.file.disable_cleanup(true);
        Ok(())
    }

    /// Deletes the file when this value is dropped, because no account was imported.
    pub(super) fn delete_later(&mut self) {
        self.file.disable_cleanup(false);
    }

    /// Returns the path of the file before it gets its name.
    pub(super) fn unfinished_path(&self) -> &Path {
        self.file.path()
    }

    fn write_rows(&mut self, users: &[ValidUser]) -> io::Result<()> {
        let file = self.file.as_file_mut();
        file.set_len(0)?;
        file.rewind()?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(&mut *file));
        writer.write_record(["old_id", "id", "email"])?;
        for ValidUser { old_id, user, .. } in users {
            let id = user.user.id.to_string();
            let old_id = old_id.as_deref().unwrap_or_default();
            writer.write_record([old_id, &id, user.user.email.as_str()])?;
        }
        writer.flush()?;
        drop(writer);
        file.flush()?;
        file.sync_all()
    }

    /// Gives the file its name. If that fails, keeps the file under its other name.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        let folder = folder(&self.path).to_owned();
        match self.file.persist_noclobber(&self.path) {
            Ok(_) => sync(&folder)
                .map_err(|error| CommandError::DoneMapNotSaved { map: self.path, error }),
            Err(error) => {
                let map = error.file.path().to_owned();
                let kept = error.file.keep();
                let error = kept.err().map_or(error.error, |error| error.error);
                Err(CommandError::DoneMapNotSaved { map, error })
            }
        }
    }
}

/// Syncs a folder, so that the names of its files survive a power failure.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_cannot_be_renamed_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let mut map = IdMap::create(&path).unwrap();
        map.write(&[]).unwrap();
        std::fs::write(&path, "the map of another import").unwrap();
        let error = map.finish().unwrap_err();
        let CommandError::DoneMapNotSaved { map, .. } = &error else { panic!("{error}") };
        assert_eq!(std::fs::read_to_string(map).unwrap(), "old_id,id,email\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the map of another import");
        assert!(error.to_string().starts_with("done, but the map"), "{error}");
    }
}
