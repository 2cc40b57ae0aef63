//! `latchkey users`: what an operator does with accounts, on the same store as the server
//! and while it runs.

mod password;
mod print;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use accounts::{Accounts, AdministrationError, Settings, SignUpError, StartError, User};
use auth_core::{SystemClock, SystemRandom};
use user_store::{OpenError, SqliteStore, StoreError};

use crate::cli::{PasswordOptions, UserAction, UsersOptions};
use print::Printer;

/// How many accounts are asked for at a time.
const PAGE: u32 = 500;

/// Why nothing was done. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    #[error("there is no database {}; name the server's with --database", .0.display())]
    NoDatabase(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot start: {0}")]
    Start(#[from] StartError),
    #[error("no account has the e-mail or the id {0:?}; see latchkey users list")]
    NoSuchUser(String),
    #[error("an account with this e-mail exists; see latchkey users show")]
    EmailTaken,
    #[error("{0}")]
    Invalid(String),
    #[error("{0}; nothing was changed")]
    NotConfirmed(&'static str),
    #[error("the store does not answer; try again: {0}")]
    Store(StoreError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

pub(crate) fn run(options: &UsersOptions) -> Result<(), UsersError> {
    let makes_one = matches!(options.action, UserAction::Create { .. });
    if !makes_one && !options.database.exists() {
        return Err(UsersError::NoDatabase(options.database.clone()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let accounts = accounts(options).await?;
        Operator { accounts: &accounts, print: Printer::new(options.json) }
            .run(&options.action)
            .await
    });
    match done {
        // Who reads no further has seen enough.
        Err(UsersError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn accounts(options: &UsersOptions) -> Result<Accounts, UsersError> {
    let store = SqliteStore::open(&options.database)?;
    // No token is issued here, so whose it would be does not matter.
    let mut settings = Settings::new("http://localhost");
    if let UserAction::Create { passwords, .. } | UserAction::SetPassword { passwords, .. } =
        &options.action
    {
        let PasswordOptions { password_min_length, pbkdf2_iterations } = passwords;
        settings.password_policy = *password_min_length;
        settings.pbkdf2_iterations = *pbkdf2_iterations;
    }
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    Ok(Accounts::start(Arc::new(store), settings, clock, random).await?)
}

struct Operator<'a> {
    accounts: &'a Accounts,
    print: Printer,
}

impl Operator<'_> {
    async fn run(&self, action: &UserAction) -> Result<(), UsersError> {
        match action {
            UserAction::List => self.list().await,
            UserAction::Show(user) => Ok(self.print.user(&self.user(&user.name).await?)?),
            UserAction::Create { email, .. } => self.create(email).await,
            UserAction::Disable(user) => self.disable(&user.name, true).await,
            UserAction::Enable(user) => self.disable(&user.name, false).await,
            UserAction::Delete { user, yes } => self.delete(&user.name, *yes).await,
            UserAction::SetPassword { user, .. } => self.set_password(&user.name).await,
            UserAction::Sessions(user) => self.sessions(&user.name).await,
            UserAction::SignOut(user) => self.sign_out(&user.name).await,
        }
    }

    async fn list(&self) -> Result<(), UsersError> {
        let mut list = self.print.list()?;
        let mut after = None;
        loop {
            let page = self.accounts.administration().users(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for user in &page {
                list.user(user)?;
            }
        }
        Ok(list.end()?)
    }

    async fn create(&self, email: &str) -> Result<(), UsersError> {
        let password = password::read("Password")?;
        let user = self.accounts.sign_up(email, &password).await?;
        Ok(self.print.done("created", &user)?)
    }

    async fn disable(&self, name: &str, disable: bool) -> Result<(), UsersError> {
        let (user, operator) = (self.user(name).await?, self.accounts.administration());
        let (changed, what) = match disable {
            true => (operator.disable(user.id).await, "disabled"),
            false => (operator.enable(user.id).await, "enabled"),
        };
        changed.map_err(|error| of_administration(error, name))?;
        Ok(self.print.done(what, &self.user(name).await?)?)
    }

    async fn delete(&self, name: &str, yes: bool) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        if !yes && io::stdin().is_terminal() {
            confirm(&user)?;
        }
        let deleted = self.accounts.administration().delete(user.id).await;
        deleted.map_err(|error| of_administration(error, name))?;
        Ok(self.print.done("deleted", &user)?)
    }

    async fn set_password(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let new = password::read("New password")?;
        let set = self.accounts.administration().set_password(&user, &new).await;
        set.map_err(|error| of_administration(error, name))?;
        Ok(self.print.done("set the password of", &user)?)
    }

    async fn sessions(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let sessions = self.accounts.administration().sessions(user.id).await?;
        Ok(self.print.sessions(&sessions)?)
    }

    async fn sign_out(&self, name: &str) -> Result<(), UsersError> {
        let user = self.user(name).await?;
        let ended = self.accounts.administration().sign_out(user.id).await?;
        Ok(self.print.signed_out(&user, ended)?)
    }

    async fn user(&self, name: &str) -> Result<User, UsersError> {
        let found = self.accounts.administration().user(name).await;
        found.map_err(|error| of_administration(error, name))
    }
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

fn of_administration(error: AdministrationError, name: &str) -> UsersError {
    match error {
        AdministrationError::NoSuchUser => UsersError::NoSuchUser(name.to_owned()),
        AdministrationError::Store(error) => error.into(),
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
        }
    }
}

impl From<StoreError> for UsersError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
