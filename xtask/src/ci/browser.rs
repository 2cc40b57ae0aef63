//! Finds or installs Chromium, its headless shell and its driver.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::apt::Requirement;

const CHROMIUM: Program = Program {
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
};

const CHROMEDRIVER: Program = Program { variable: "CHROMEDRIVER", names: &["chromedriver"] };

/// The directories in which Chromium and its driver are usually installed, searched after those in
/// `PATH`.
const DIRECTORIES: [&str; 5] = [
    "/usr/bin",
    "/usr/lib/chromium",
    "/usr/lib/chromium-browser",
    "/opt/google/chrome",
    "/Applications/Google Chrome.app/Contents/MacOS",
];

/// The programs that the end-to-end tests use.
pub(super) struct Browser {
    pub(super) chromium: PathBuf,
    pub(super) chromedriver: PathBuf,
    /// The headless shell beside Chromium, which starts in a third of the time. `None` if there is
    /// none, or if `CHROMIUM` is set.
    pub(super) headless_shell: Option<PathBuf>,
}

struct Program {
    variable: &'static str,
    names: &'static [&'static str],
}

const WITH_HEADLESS_SHELL: Requirement = Requirement {
    name: "Chromium, its headless shell and chromedriver",
    packages: &["chromium", "chromium-driver", "chromium-headless-shell"],
};

const WITHOUT_HEADLESS_SHELL: Requirement =
    Requirement { name: "Chromium and chromedriver", packages: &["chromium", "chromium-driver"] };

const HELP: &str = "the end-to-end tests need Chromium and chromedriver: install both (on Debian \
    `apt-get install chromium chromium-driver`), or set CHROMIUM and CHROMEDRIVER to their paths";

pub(super) fn find_or_install() -> Result<Browser> {
    if let Some(browser) = find()? {
        return Ok(browser);
    }
    let is_installed = || matches!(find(), Ok(Some(_)));
    // Some releases of Debian do not have the headless shell.
    if WITH_HEADLESS_SHELL.ensure(is_installed, HELP).is_err() {
        WITHOUT_HEADLESS_SHELL.ensure(is_installed, HELP)?;
    }
    find()?.context(HELP)
}

fn find() -> Result<Option<Browser>> {
    // Both, so that a mistake in either variable is reported.
    let (chromium, chromedriver) = (CHROMIUM.find()?, CHROMEDRIVER.find()?);
    let (Some(chromium), Some(chromedriver)) = (chromium, chromedriver) else { return Ok(None) };
    let headless_shell = chromium.with_file_name("chromium-headless-shell");
    let is_usable = env::var_os(CHROMIUM.variable).is_none() && headless_shell.is_file();
    Ok(Some(Browser {
        chromium,
        chromedriver,
        headless_shell: is_usable.then_some(headless_shell),
    }))
}

impl Program {
    /// Finds the program. If its environment variable is set, only the path in the variable is
    /// checked, so that a mistake in the path is reported.
    fn find(&self) -> Result<Option<PathBuf>> {
        if let Some(path) = env::var_os(self.variable).map(PathBuf::from) {
            if !path.is_file() {
                bail!("{} is set to {}, which is not a file", self.variable, path.display());
            }
            return Ok(Some(path));
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let directories = env::split_paths(&path).chain(DIRECTORIES.iter().map(PathBuf::from));
        Ok(self.find_in(directories))
    }

    fn find_in(&self, directories: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
        let file = |name: &str| format!("{name}{}", env::consts::EXE_SUFFIX);
        directories
            .flat_map(|directory| self.names.iter().map(move |name| directory.join(file(name))))
            .find(|candidate| candidate.is_file())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_directory_with_one_of_the_names_wins() {
        let directories = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [_, second, third] = &directories;
        for directory in [second, third] {
            fs::write(directory.path().join("google-chrome"), "").unwrap();
            fs::create_dir(directory.path().join("chromium")).unwrap();
        }
        let paths = directories.iter().map(|directory| directory.path().to_owned());
        assert_eq!(CHROMIUM.find_in(paths), Some(second.path().join("google-chrome")));
        assert_eq!(CHROMEDRIVER.find_in(std::iter::empty()), None);
    }
}
