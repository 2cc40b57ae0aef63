mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

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
}

/// How the server is run.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where to listen; port 0 picks a free one
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(crate) listen: SocketAddr,

    /// The SQLite file, as a path or sqlite:PATH; made if it is absent
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database)]
    pub(crate) database: PathBuf,

    /// The origin that browsers see; http://localhost:PORT if it is left out
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", value_parser = values::origin)]
    pub(crate) public_url: Option<String>,

    /// For how long an access token is valid
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_LIFETIME", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    pub(crate) access_token_lifetime: Duration,

    /// For how long a session lasts
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "12h", value_parser = values::duration)]
    pub(crate) session_lifetime: Duration,

    /// The least length of a new password, in characters: 1 to 64
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "N", default_value = "8", value_parser = values::password_policy)]
    pub(crate) password_min_length: auth_core::PasswordPolicy,

    /// How much work hashing a password is: 1,000 to 10,000,000 iterations
    #[arg(long, env = "LATCHKEY_PBKDF2_ITERATIONS", value_name = "N", default_value = "600000", value_parser = values::iterations)]
    pub(crate) pbkdf2_iterations: u32,

    /// How the log on stderr is written
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Reads the command line and the environment. Whatever is wrong is told in one line.
pub(crate) fn parse() -> Result<ServeOptions, ExitCode> {
    let matches = Cli::command().try_get_matches();
    let cli = matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    match cli {
        Ok(Cli { command: Some(Command::Serve(options)), .. }) => Ok(options),
        Ok(Cli { command: None, serve }) => Ok(serve),
        Err(error) => Err(tell(&error)),
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

/// Clap explains itself over several lines: this is the first, with the hint if it has one.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let hint = match error.get(ContextKind::SuggestedArg) {
        Some(suggested) => format!("did you mean {suggested}?"),
        None => "see latchkey serve --help".to_owned(),
    };
    let values = text.lines().find(|line| line.trim_start().starts_with("[possible values"));
    match values {
        Some(values) => format!("{first} {}; {hint}", values.trim()),
        None => format!("{first}; {hint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    fn options(arguments: &[&str]) -> Result<ServeOptions, String> {
        let all = ["latchkey"].iter().chain(arguments);
        match Cli::try_parse_from(all) {
            Ok(cli) => Ok(match cli.command {
                Some(Command::Serve(options)) => options,
                None => cli.serve,
            }),
            Err(error) => Err(one_line(&error)),
        }
    }

    #[test]
    fn serve_is_the_default() {
        for arguments in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            assert_eq!(options(arguments).unwrap().listen.port(), 0);
        }
        let defaults = options(&[]).unwrap();
        assert_eq!(defaults.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(defaults.session_lifetime, Duration::from_hours(12));
        assert_eq!(defaults.pbkdf2_iterations, 600_000);
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
            (&["--password-min-length", "0"], "--password-min-length"),
            (&["--password-min-length", "65"], "--password-min-length"),
            (&["--pbkdf2-iterations", "999"], "--pbkdf2-iterations"),
            (&["--log-format", "xml"], "text, json"),
            (&["--lisen", "127.0.0.1:1"], "did you mean --listen?"),
            (&["--listen"], "--listen"),
            (&["sever"], "sever"),
        ] {
            let line = options(arguments).unwrap_err();
            assert!(line.contains(named) && !line.contains('\n'), "{line}");
        }
    }
}
