mod audit;
mod backup;
mod doctor;
mod keys;
mod options;
mod store;
mod users;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use auth_core::SessionPolicy;
use clap::builder::Resettable;
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use audit::AuditOptions;
pub(crate) use backup::BackupOptions;
pub(crate) use doctor::DoctorOptions;
pub(crate) use keys::{KeyAction, KeysOptions};
pub(crate) use options::{LogFormat, PasswordOptions, ServeOptions, Switch};
pub(crate) use store::StoreOptions;
pub(crate) use users::{
    ExistingAction, ExportFormat, ExportOptions, ImportFormat, ImportOptions, UserAction,
    UsersOptions,
};

/// Sign-up, log-in and sessions for people and programs, in one file.
#[derive(Parser)]
#[command(name = "latchkey", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server; so does `latchkey` without a subcommand
    Serve(ServeOptions),
    /// Look after accounts, also while the server runs
    Users(UsersOptions),
    /// Look after the keys that tokens are signed with, also while the server runs
    Keys(KeysOptions),
    /// Print who did what, when and from where, one line an event, the oldest first
    Audit(AuditOptions),
    /// Copy the database, also while the server runs
    Backup(BackupOptions),
    /// Check whether a deployment is as it should be; takes the options of serve
    Doctor(Box<DoctorOptions>),
}

/// What the program is asked to do.
pub(crate) enum Task {
    /// Run the server, with sessions that last so long.
    Serve(ServeOptions, SessionPolicy),
    /// Look after accounts.
    Users(UsersOptions),
    /// Look after signing keys.
    Keys(KeysOptions),
    /// Print the trail.
    Audit(AuditOptions),
    /// Copy the database.
    Backup(BackupOptions),
    /// Check a deployment.
    Doctor(Box<DoctorOptions>),
}

/// Reads the command line and the environment. Whatever is wrong is told in one line.
pub(crate) fn parse() -> Result<Task, ExitCode> {
    task(std::env::args_os().collect()).map_err(|error| tell(&error))
}

fn task(arguments: Vec<OsString>) -> Result<Task, clap::Error> {
    let mut command = Cli::command();
    let first = arguments.get(1).and_then(|first| first.to_str());
    if first.is_some_and(|name| command.find_subcommand(name).is_some()) {
        // The options without a subcommand would be read from the environment all the same.
        command = command.mut_args(|option| option.env(Resettable::Reset));
    }
    // What is said on the command line is not looked for in the environment, where clap would
    // check it again for the commands below the one that it was given to.
    let is_database = |argument: &OsString| {
        argument
            .to_str()
            .is_some_and(|text| text == "--database" || text.starts_with("--database="))
    };
    if arguments.iter().any(is_database) {
        let reset = |option: Arg| match option.get_id() == "database" {
            true => option.env(Resettable::Reset),
            false => option,
        };
        command = command.mut_subcommands(|subcommand| subcommand.mut_args(reset));
    }
    let mut matches = command.try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches_mut(&mut matches)?;
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(options) => {
            let policy = options.sessions.policy()?;
            Ok(Task::Serve(options, policy))
        }
        Command::Users(options) => Ok(Task::Users(options)),
        Command::Keys(options) => Ok(Task::Keys(options)),
        Command::Audit(options) => Ok(Task::Audit(options)),
        Command::Backup(options) => Ok(Task::Backup(options)),
        Command::Doctor(options) => {
            // What serve would refuse is refused here too.
            options.serve.sessions.policy()?;
            Ok(Task::Doctor(options))
        }
    }
}

fn tell(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Nothing is left to do if stdout is closed.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    crate::complain(&one_line(error));
    ExitCode::from(2)
}

/// Clap explains itself over several paragraphs: this is the first, with the hint if it
/// has one.
fn one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::InvalidUtf8 {
        return not_utf8();
    }
    let text = error.to_string();
    let first = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let first = first.collect::<Vec<_>>().join(" ");
    let hint = match error.get(ContextKind::SuggestedArg) {
        Some(suggested) => format!("did you mean {suggested}?"),
        None => "see latchkey --help".to_owned(),
    };
    format!("{}; {hint}", first.trim_start_matches("error: "))
}

/// Clap does not say what of the command line or the environment it is that is no text.
fn not_utf8() -> String {
    let variable = std::env::vars_os()
        .find(|(name, value)| {
            name.to_str().is_some_and(|name| name.starts_with("LATCHKEY_"))
                && value.to_str().is_none()
        })
        .map(|(name, _)| name.to_string_lossy().into_owned());
    format!("{} is not UTF-8: write it as that", variable.as_deref().unwrap_or("an argument"))
}

#[cfg(test)]
mod tests {
    use auth_core::SessionLimits;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    fn parsed(arguments: &[&str]) -> Result<Task, String> {
        let all = ["latchkey"].iter().chain(arguments).map(OsString::from).collect();
        task(all).map_err(|error| one_line(&error))
    }

    fn options(arguments: &[&str]) -> Result<(ServeOptions, SessionPolicy), String> {
        match parsed(arguments)? {
            Task::Serve(options, policy) => Ok((options, policy)),
            _ => unreachable!("{arguments:?}"),
        }
    }

    #[test]
    fn serve_is_the_default() {
        for arguments in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            assert_eq!(options(arguments).unwrap().0.listen.port(), 0);
        }
        let (defaults, sessions) = options(&[]).unwrap();
        assert_eq!(defaults.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(sessions, SessionPolicy::default());
        assert_eq!(defaults.passwords.pbkdf2_iterations, 600_000);
    }

    #[test]
    fn each_kind_of_session_has_limits_of_its_own() {
        let limits = ["--session-idle-timeout", "1m", "--session-lifetime", "2m"];
        let remembered = ["--remember-idle-timeout", "3m", "--remember-lifetime", "3m"];
        let (_, sessions) = options(&[limits, remembered].concat()).unwrap();
        let minutes = |limits: SessionLimits| {
            [limits.idle_timeout(), limits.lifetime()].map(|time| time.as_secs() / 60)
        };
        assert_eq!(minutes(sessions.standard), [1, 2]);
        assert_eq!(minutes(sessions.remembered), [3, 3]);
    }

    #[test]
    fn trusted_proxies_are_repeated_or_separated_by_commas() {
        let all = ["--trusted-proxy", "10.0.0.0/8,::1", "--trusted-proxy", "192.0.2.1"];
        assert_eq!(options(&all).unwrap().0.trusted_proxy.len(), 3);
        assert!(options(&[]).unwrap().0.trusted_proxy.is_empty());
    }

    #[test]
    fn the_options_of_users_stand_before_or_after_what_is_to_be_done() {
        for arguments in [
            &["users", "--database", "x.db", "show", "ada", "--json"][..],
            &["users", "show", "ada", "--json", "--database", "x.db"],
        ] {
            let Ok(Task::Users(options)) = parsed(arguments) else { unreachable!() };
            assert_eq!(options.store.database.as_os_str(), "x.db");
            assert!(options.store.json);
        }
    }

    #[test]
    fn a_key_may_have_any_name_that_is_a_thumbprint() {
        for kid in ["kPrK_qmxVWaYVA9wwBF6", "-hPrK_qmx", "--rK_qmx", "-", "--json_"] {
            let Ok(Task::Keys(options)) = parsed(&["keys", "retire", kid, "--json"]) else {
                unreachable!("{kid}")
            };
            assert!(matches!(options.action, KeyAction::Retire { kid: found } if found == kid));
            assert!(options.store.json);
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_that_names_the_option() {
        for (arguments, named) in [
            (&["--listen", "localhost"][..], "--listen"),
            (&["--listen", "127.0.0.1:70000"], "--listen"),
            (&["--database", ""], "--database"),
            (&["--database", "postgres://localhost/x"], "--database"),
            (&["--public-url", "example.com"], "--public-url"),
            (&["--public-url", "https://example.com/path"], "--public-url"),
            (&["--access-token-lifetime", "5"], "--access-token-lifetime"),
            (&["--session-lifetime", "0s"], "--session-lifetime"),
            (&["--session-lifetime", "29m"], "--session-idle-timeout"),
            (&["--session-idle-timeout", "13h"], "--session-lifetime"),
            (&["--remember-idle-timeout", "31d"], "--remember-lifetime"),
            (&["users"], "sign-out"),
            (&["users", "show"], "USER"),
            (&["keys"], "rotate"),
            (&["keys", "retire"], "KID"),
            (&["backup"], "PATH"),
            (&["doctor", "--session-lifetime", "29m"], "--session-idle-timeout"),
            (&["users", "set-password", "ada", "a long walk"], "a long walk"),
            (&["--password-min-length", "0"], "--password-min-length"),
            (&["--password-min-length", "65"], "--password-min-length"),
            (&["--pbkdf2-iterations", "999"], "--pbkdf2-iterations"),
            (&["--log-format", "xml"], "text, json"),
            (&["--throttle", "no"], "on, off"),
            (&["--trusted-proxy", "10.0.0.0/33"], "--trusted-proxy"),
            (&["--trusted-proxy", "10.0.0.1,proxy"], "proxy"),
            (&["--lisen", "127.0.0.1:1"], "did you mean --listen?"),
            (&["--listen"], "--listen"),
            (&["sever"], "sever"),
        ] {
            let line = options(arguments).unwrap_err();
            assert!(line.contains(named) && !line.contains('\n'), "{line}");
        }
    }
}
