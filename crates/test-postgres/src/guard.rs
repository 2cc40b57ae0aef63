//! Stops a server and deletes its directory when this process ends, however it ends.

use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::account::Account;
use crate::error::ClusterError;
use crate::installation::Installation;

/// Waits for the end of its input, stops the server in `$2` with the program `$1`, and deletes the
/// directory `$3`.
const SCRIPT: &str = r#"cat > /dev/null
"$1" stop --pgdata "$2" --mode immediate --silent
rm -rf "$3""#;

/// A shell that stops a server and deletes its directory as soon as this value is dropped. If this
/// process is killed, its end of the pipe closes, so the shell does the same then.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Guard {
    pub(crate) fn new(
        installation: &Installation,
        account: Account,
        directory: &Path,
    ) -> Result<Self, ClusterError> {
        let mut command = Command::new("sh");
        account.apply(&mut command);
        command.args(["-c", SCRIPT, "sh"]).arg(installation.program("pg_ctl"));
        command.arg(directory.join("data")).arg(directory);
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = command.spawn().map_err(ClusterError::io("`sh` cannot be started"))?;
        let input = shell.stdin.take();
        Ok(Self { shell, input })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.shell.wait();
    }
}
