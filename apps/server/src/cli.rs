//! The command line: its commands and its error messages.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::args::DURATION_HELP;
use crate::commands::audit::AuditArgs;
use crate::commands::backup::BackupArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::keys::KeysArgs;
use crate::commands::mail::MailCommandArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::migrate_store::MigrateStoreArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::users::UsersArgs;
use crate::database;
use crate::environment;
use crate::error::CommandError;

/// An authentication server in one binary.
#[derive(Parser)]
#[command(
    name = "latchkey",
    version,
    args_conflicts_with_subcommands = true,
    after_help = DURATION_HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server (the default command)
    #[command(after_help = DURATION_HELP)]
    Serve(Box<ServeArgs>),
    /// Manage accounts; works while the server runs
    Users(UsersArgs),
    /// Manage the keys that sign tokens; works while the server runs
    Keys(KeysArgs),
    /// List unsent mails, retry them, or send a test mail; works while the server runs
    Mail(MailCommandArgs),
    /// Print the audit log, one event per line, oldest first
    #[command(after_help = DURATION_HELP)]
    Audit(AuditArgs),
    /// Back up a SQLite database to a new file; works while the server runs
    Backup(BackupArgs),
    /// Create the tables of the database, or migrate them to this version
    Migrate(MigrateArgs),
    /// Copy everything to another database, for example from SQLite to PostgreSQL
    MigrateStore(Box<MigrateStoreArgs>),
    /// Check a deployment; takes the same options as the server
    #[command(after_help = DURATION_HELP)]
    Doctor(Box<DoctorArgs>),
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Serve(args) => args.run().await,
            Self::Users(args) => args.run().await,
            Self::Keys(args) => args.run().await,
            Self::Mail(args) => args.run().await,
            Self::Audit(args) => args.run().await,
            Self::Backup(args) => args.run().await,
            Self::Migrate(args) => args.run().await,
            Self::MigrateStore(args) => args.run().await,
            Self::Doctor(args) => args.run().await,
        }
    }
}

/// Parses the command line and the environment. For `--help` and `--version`, prints the text and
/// returns `None`.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Option<Command>, CommandError> {
    let cluster = cluster_of_help(&arguments);
    let mut values = environment::values();
    values.extend(arguments.iter().map(|argument| argument.to_string_lossy().into_owned()));
    match (try_parse(arguments), cluster) {
        (Ok(command), _) => Ok(Some(command)),
        (Err(error), cluster)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            if let Some(argument) = cluster {
                return Err(CommandError::Usage(unexpected(&argument)));
            }
            error.print().map_err(CommandError::Print)?;
            Ok(None)
        }
        (Err(error), _) => Err(CommandError::Usage(one_line(&error, &values))),
    }
}

/// Returns the argument that clap parses as `-h` or `-V` followed by more short flags, such as
/// `-hacker@example.com` where no email address is expected. Returns `None` if there is no such
/// argument, or if another argument asks for the help or the version.
fn cluster_of_help(arguments: &[OsString]) -> Option<String> {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    let options: Vec<_> = options.map(|argument| argument.to_string_lossy()).collect();
    if options.iter().any(|option| ["-h", "--help", "-V", "--version"].contains(&&**option)) {
        return None;
    }
    let is_cluster = |option: &&Cow<'_, str>| option.starts_with("-h") || option.starts_with("-V");
    options.iter().find(is_cluster).map(ToString::to_string)
}

fn unexpected(argument: &str) -> String {
    format!("unexpected argument {argument:?}; see latchkey --help")
}

fn try_parse(arguments: Vec<OsString>) -> Result<Command, clap::Error> {
    let mut command = Cli::command();
    let first = arguments.get(1).and_then(|first| first.to_str());
    if first.is_some_and(|name| command.find_subcommand(name).is_some()) {
        // `serve` is the default command, so its options exist at the top level. Remove their
        // environment variables there, or clap would validate them for the other commands too.
        command = command.mut_args(|option| option.env(Resettable::Reset));
    }
    if arguments.iter().any(names_database) {
        // An option replaces both variables. Otherwise, in `users --database PATH list`, clap would
        // also validate `LATCHKEY_DATABASE` when it parses `list`.
        command = command.mut_args(without_database_variable);
        command =
            command.mut_subcommands(|subcommand| subcommand.mut_args(without_database_variable));
    }
    let mut matches = command.try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches_mut(&mut matches)?;
    Ok(cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.serve))))
}

/// Returns whether an argument is an option that names the database.
fn names_database(argument: &OsString) -> bool {
    let text = argument.to_string_lossy();
    let option = text.split_once('=').map_or(&*text, |(option, _)| option);
    option == "--database" || option == "--database-file"
}

fn without_database_variable(option: Arg) -> Arg {
    match option.get_id().as_str() {
        "database" | "database_file" => option.env(Resettable::Reset),
        _ => option,
    }
}

/// Returns the first paragraph of clap's message as one line, with a hint. `values` are the
/// arguments and the variables of this process. URLs among them that may contain a password are not
/// shown.
fn one_line(error: &clap::Error, values: &[String]) -> String {
    if error.kind() == ErrorKind::InvalidUtf8 {
        // Clap does not say which argument or variable is invalid.
        let name = environment::non_utf8_variable();
        let name = name.as_deref().unwrap_or("an argument");
        return format!("{name} is not valid UTF-8; encode it as UTF-8");
    }
    let text = database::without_urls(&error.to_string(), values.iter().map(String::as_str));
    let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let message = lines.join(" ");
    let message = message.trim_start_matches("error: ");
    match suggestion(error) {
        Some(suggested) => format!("{message}; did you mean {suggested}?"),
        None => format!("{message}; see latchkey --help"),
    }
}

/// Returns the option, command or value that is most similar to the one that was given.
fn suggestion(error: &clap::Error) -> Option<&str> {
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| match error.get(kind)? {
            ContextValue::String(suggested) => Some(suggested.as_str()),
            // The last one is the most similar.
            ContextValue::Strings(suggested) => suggested.last().map(String::as_str),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        let arguments = ["latchkey"].iter().chain(arguments).map(OsString::from).collect();
        try_parse(arguments).map_err(|error| one_line(&error, &[]))
    }

    #[test]
    fn the_command_definitions_are_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_list_of_variables_matches_the_options() {
        let mut variables = BTreeSet::new();
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            let names = command.get_arguments().filter_map(|option| option.get_env());
            variables.extend(names.map(|name| name.to_str().unwrap().to_owned()));
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(variables.iter().eq(environment::VARIABLES), "{variables:?}");
    }

    #[test]
    fn the_documentation_lists_the_options_of_the_server_and_their_defaults() {
        let page = include_str!("../../../docs/operations/options.md");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `--")).collect();
        let serve = Cli::command().find_subcommand("serve").unwrap().clone();
        let options: Vec<_> =
            serve.get_arguments().filter(|option| !option.is_hide_set()).collect();
        assert_eq!(rows.len(), options.len());
        for option in options {
            let start = format!("| `--{} ", option.get_long().unwrap());
            let row = rows.iter().find(|row| row.starts_with(&start)).expect(&start);
            if let [default] = option.get_default_values() {
                let default = format!(" | `{}` | ", default.to_str().unwrap());
                assert!(row.contains(&default), "{row}");
            } else if !matches!(option.get_id().as_str(), "database" | "public_url") {
                assert!(row.contains(" | | "), "{row}");
            }
        }
    }

    #[test]
    fn an_unexpected_argument_that_begins_like_help_is_an_error() {
        let parse = |arguments: &[&str]| {
            super::parse(["latchkey"].iter().chain(arguments).map(OsString::from).collect())
        };
        for argument in ["-hacker@example.com", "-hV", "-hh", "-Vx@example.com"] {
            for before in [
                &[][..],
                &["serve"],
                &["doctor"],
                &["users"],
                &["users", "list"],
                &["users", "disable", "ada@example.com"],
                &["users", "disable", "help"],
                &["users", "import"],
                &["keys", "retire", "kid"],
                &["mail", "list"],
                &["mail", "retry"],
                &["audit"],
                &["backup"],
                &["migrate"],
                &["migrate-store", "--from", "x.db"],
            ] {
                let result = parse(&[before, &[argument]].concat());
                assert!(matches!(&result, Err(error) if error.exit_code() == 2), "{before:?}");
            }
        }
        for arguments in [&["-h"][..], &["users", "list", "--help"], &["help", "users"]] {
            assert!(matches!(parse(arguments), Ok(None)), "{arguments:?}");
        }
    }

    #[test]
    fn serve_is_the_default() {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        for arguments in [&listen[1..], &listen] {
            let Ok(Command::Serve(args)) = parse(arguments) else { unreachable!("{arguments:?}") };
            assert_eq!(args.listen.port(), 0);
        }
    }

    #[test]
    fn errors_are_one_line_that_names_the_option() {
        for (arguments, expected) in [
            (&["--listen", "localhost"][..], "--listen"),
            (&["--listen", "127.0.0.1:70000"], "--listen"),
            (&["--database", ""], "--database"),
            (&["--database", "mysql://localhost/x"], "--database"),
            (&["--public-url", "example.com"], "--public-url"),
            (&["--public-url", "https://example.com/path"], "--public-url"),
            (&["--access-token-lifetime", "5"], "--access-token-lifetime"),
            (&["--session-lifetime", "0s"], "--session-lifetime"),
            (&["users"], "sign-out"),
            (&["users", "show"], "USER"),
            (&["keys"], "rotate"),
            (&["keys", "retire"], "KID"),
            (&["mail"], "retry"),
            (&["backup"], "PATH"),
            (&["migrate-store", "--from", "x.db"], "--to"),
            (&["migrate-store", "--to", "x.db"], "--from"),
            (&["users", "set-password", "ada", "a long walk"], "a long walk"),
            (&["--password-min-length", "0"], "--password-min-length"),
            (&["--password-min-length", "65"], "--password-min-length"),
            (&["--pbkdf2-iterations", "999"], "--pbkdf2-iterations"),
            (&["--hash-memory", "256"], "256MiB or 1GiB"),
            (&["--log-format", "xml"], "text, json"),
            (&["--throttle", "no"], "on, off"),
            (&["--trusted-proxy", "10.0.0.0/33"], "--trusted-proxy"),
            (&["--trusted-proxy", "10.0.0.1,proxy"], "proxy"),
            (&["--lisen", "127.0.0.1:1"], "did you mean --listen?"),
            (&["--listen"], "--listen"),
            (&["serv"], "did you mean serve?"),
            (&["users", "enabel", "ada"], "did you mean enable?"),
            (&["--log-format", "jsno"], "did you mean json?"),
        ] {
            let line = parse(arguments).err().unwrap();
            assert!(line.contains(expected) && !line.contains('\n'), "{line}");
        }
    }
}
