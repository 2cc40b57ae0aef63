//! `latchkey users`: what an operator does with accounts, on the same store as the server
//! and while it runs.

mod export;
mod import;
mod password;
mod print;

use std::io::{self, IsTerminal as _};

use accounts::{Accounts, Config, OperatorError, SignUpError, User};
use user_store::{SqliteStore, StoreError};

use crate::cli::{ExistingAction, PasswordOptions, UserAction, UsersOptions};
use crate::operator::{self, CommandError};
use print::Printer;

/// How many accounts are asked for at a time.
const PAGE: u32 = 500;
/// How much of a name that is nobody's is said again, in characters: an address has no more.
const LONGEST_NAME: usize = 254;

/// Why nothing was done. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    #[error("no account has the e-mail or the id {0:?}; see latchkey users list")]
    NoSuchUser(String),
    #[error("an account with this e-mail exists; see latchkey users show")]
    EmailTaken,
    #[error("{0}")]
    Invalid(String),
    #[error("{0}; nothing was changed")]
    NotConfirmed(&'static str),
    #[error(transparent)]
    Operator(#[from] CommandError),
}

pub(crate) fn run(options: &UsersOptions) -> Result<(), UsersError> {
    match operator::block_on(carry_out(options)) {
        Err(UsersError::Operator(error)) if error.is_unread() => Ok(()),
        done => done,
    }
}

async fn carry_out(options: &UsersOptions) -> Result<(), UsersError> {
    let (print, database) = (Printer::new(options.store.json), &options.store.database);
    match &options.action {
        UserAction::Create { email, passwords } => {
            let (password, settings) = (password::read("Password")?, settings(Some(passwords)));
            // Before a database is made for it.
            settings.parse_sign_up(email, &password)?;
            let store = match operator::open(database) {
                Err(CommandError::NoDatabase(_)) => {
                    SqliteStore::open(database).map_err(CommandError::Open)
                }
                opened => opened,
            };
            let accounts = operator::start(store?, settings).await?;
            let user = accounts.operator().create(email, &password).await?;
            print.done("created", &user).map_err(done_unprinted)
        }
        UserAction::Import(import) => import::run(import, &options.store).await,
        UserAction::Existing(action) => {
            let store = operator::open(database)?;
            let passwords = match action {
                ExistingAction::SetPassword { passwords, .. } => Some(passwords),
                _ => None,
            };
            let accounts = operator::start(store, settings(passwords)).await?;
            Operator { accounts: &accounts, print }.run(action).await
        }
    }
}

fn settings(passwords: Option<&PasswordOptions>) -> Config {
    let settings = operator::settings();
    match passwords {
        Some(PasswordOptions { password_min_length, pbkdf2_iterations }) => Config {
            password_policy: *password_min_length,
            pbkdf2_iterations: *pbkdf2_iterations,
            ..settings
        },
        None => settings,
    }
}

struct Operator<'a> {
    accounts: &'a Accounts,
    print: Printer,
}

impl Operator<'_> {
    async fn run(&self, action: &ExistingAction) -> Result<(), UsersError> {
        match action {
            ExistingAction::List => self.list().await,
            ExistingAction::Show(user) => {
                let user = self.user(&user.name).await?;
                self.print.user(&user).map_err(unprinted)
            }
            ExistingAction::Disable(user) => self.disable(&user.name, true).await,
            ExistingAction::Enable(user) => self.disable(&user.name, false).await,
            ExistingAction::Delete { user, yes } => self.delete(&user.name, *yes).await,
            ExistingAction::SetPassword { user, .. } => self.set_password(&user.name).await,
            ExistingAction::Sessions(user) => self.sessions(&user.name).await,
            ExistingAction::SignOut(user) => self.sign_out(&user.name).await,
            ExistingAction::Export(options) => export::run(self.accounts, options).await,
        }
    }

    async fn list(&self) -> Result<(), UsersError> {
        let mut page = self.accounts.operator().users(None, PAGE).await?;
        let mut list = self.print.list().map_err(unprinted)?;
        while let Some(last) = page.last().map(|user| user.id) {
            page.iter().try_for_each(|user| list.user(user)).map_err(unprinted)?;
            page = self.accounts.operator().users(Some(last), PAGE).await?;
        }
        list.end().map_err(unprinted)
    }

    async fn disable(&self, name: &str, disable: bool) -> Result<(), UsersError> {
        let (user, operator) = (self.user(name).await?, self.accounts.operator());
        let (changed, what) = match disable {
            true => (operator.disable(user.id).await, "disabled"),
            false => (operator.enable(user.id).await, "enabled"),
        };
        changed.map_err(|error| of_administration(error, name))?;
        let user = self.user(name).await?;
        self.print.done(what, &user).map_err(done_unprinted)
    }

    async fn delete(&self, name: &str, yes: bool) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        if !yes && io::stdin().is_terminal() {
            confirm(&user)?;
        }
        let deleted = self.accounts.operator().delete(user.id).await;
        deleted.map_err(|error| of_administration(error, name))?;
        self.print.done("deleted", &user).map_err(done_unprinted)
    }

    async fn set_password(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let new = password::read("New password")?;
        let set = self.accounts.operator().set_password(&user, &new).await;
        set.map_err(|error| of_administration(error, name))?;
        self.print.done("set the password of", &user).map_err(done_unprinted)
    }

    async fn sessions(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let sessions = self.accounts.operator().sessions(user.id).await?;
        self.print.sessions(&sessions).map_err(unprinted)
    }

    async fn sign_out(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let ended = self.accounts.operator().sign_out(user.id).await?;
        self.print.signed_out(&user, ended).map_err(done_unprinted)
    }

    async fn user(&self, name: &str) -> Result<User, UsersError> {
        let found = self.accounts.operator().user(name).await;
        found.map_err(|error| of_administration(error, name))
    }
}

fn unprinted(error: io::Error) -> UsersError {
    CommandError::Unprinted(error).into()
}

fn done_unprinted(error: io::Error) -> UsersError {
    CommandError::DoneUnprinted(error).into()
}

/// Asks once more at a terminal. A program has made up its mind.
fn confirm(user: &User) -> Result<(), UsersError> {
    use std::io::Write as _;
    let mut stderr = io::stderr();
    write!(stderr, "Delete {} with all that is held, for good? [y/N] ", user.email.as_str())?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(UsersError::NotConfirmed("it was not confirmed with y")),
    }
}

fn of_administration(error: OperatorError, name: &str) -> UsersError {
    match error {
        OperatorError::NoSuchUser => {
            UsersError::NoSuchUser(name.chars().take(LONGEST_NAME).collect())
        }
        OperatorError::Store(error) => error.into(),
        other => UsersError::Invalid(other.to_string()),
    }
}

impl From<SignUpError> for UsersError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid { email, password } => {
                let email = email.map(|error| error.to_string());
                let password = password.map(|error| error.to_string());
                let both: Vec<_> = email.into_iter().chain(password).collect();
                Self::Invalid(both.join("; "))
            }
            SignUpError::EmailTaken => Self::EmailTaken,
            SignUpError::Store(error) => error.into(),
            SignUpError::Hashing(error) => Self::Invalid(error.to_string()),
            // Nobody's address is known here that could have had too many.
            error @ SignUpError::TooManyAttempts { .. } => Self::Invalid(error.to_string()),
        }
    }
}

impl From<StoreError> for UsersError {
    fn from(error: StoreError) -> Self {
        CommandError::from(error).into()
    }
}

impl From<io::Error> for UsersError {
    fn from(error: io::Error) -> Self {
        CommandError::from(error).into()
    }
}
