//! Checks the files in `deploy`, each with the program that reads it.

mod sandbox;
mod syscall_filter;
mod unit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::apt::{self, Requirement};
use crate::process::{command_line, step, succeeds};
use crate::workspace;

const OPENSSL: Requirement = Requirement { name: "openssl", packages: &["openssl"] };

const NGINX: Server = Server {
    name: "nginx",
    path_in_package: "usr/sbin/nginx",
    version_arguments: &["-e", "stderr", "-v"],
};
const CADDY: Server =
    Server { name: "caddy", path_in_package: "usr/bin/caddy", version_arguments: &["version"] };

/// Replacements in the nginx site. They are needed because `nginx -t` reads the certificate and
/// binds the addresses, and this machine might not allow ports below 1024 or might not have IPv6.
const NGINX_REPLACEMENTS: [(&str, &str); 6] = [
    ("/etc/letsencrypt/live/auth.example.com/fullchain.pem", "certificate.pem"),
    ("/etc/letsencrypt/live/auth.example.com/privkey.pem", "key.pem"),
    ("listen 443 ", "listen 127.0.0.1:8443 "),
    ("listen [::]:443 ", "listen 127.0.0.2:8443 "),
    ("listen 80;", "listen 127.0.0.1:8080;"),
    ("listen [::]:80;", "listen 127.0.0.2:8080;"),
];

/// A main configuration that includes the site. All paths are relative to the prefix.
const NGINX_CONF: &str = "error_log stderr;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
";

/// Checks the files. The server binary runs in the sandbox of the systemd unit.
pub(super) fn check(server: &Path) -> Result<()> {
    let files = workspace::root().join("deploy");
    let unit = files.join("latchkey.service");
    unit::check(&unit)?;
    sandbox::check(&unit, server)?;
    check_nginx_site(&files.join("nginx.conf"))?;
    check_caddyfile(&files.join("Caddyfile"))
}

fn check_nginx_site(file: &Path) -> Result<()> {
    let prefix = tempfile::tempdir()?;
    // This comes first because the Debian package of openssl brings libraries that nginx needs.
    create_certificate(prefix.path())?;
    let nginx = NGINX.find_or_unpack()?;
    copy_with(file, &prefix.path().join("site.conf"), &NGINX_REPLACEMENTS)?;
    fs::write(prefix.path().join("nginx.conf"), NGINX_CONF)?;
    let test = ["-t", "-q", "-e", "stderr", "-c", "nginx.conf", "-p"];
    run_quietly(Command::new(nginx).args(test).arg(prefix.path()))
}

/// Creates a self-signed certificate and its key.
fn create_certificate(directory: &Path) -> Result<()> {
    OPENSSL.ensure(
        || succeeds(Command::new("openssl").arg("version")),
        "there is no openssl to create a certificate with: install it, for example with \
         `apt-get install openssl`",
    )?;
    let request = ["req", "-x509", "-days", "1", "-subj", "/CN=auth.example.com"];
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let output = ["-out", "certificate.pem", "-keyout", "key.pem"];
    let mut openssl = Command::new("openssl");
    run_quietly(openssl.current_dir(directory).args(request).args(key).args(output))
}

fn check_caddyfile(file: &Path) -> Result<()> {
    let caddy = CADDY.find_or_unpack()?;
    let data = tempfile::tempdir()?;
    let mut validate = Command::new(caddy);
    // Caddy may create files in these directories.
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        validate.env(variable, data.path());
    }
    run_quietly(validate.args(["validate", "--adapter", "caddyfile", "--config"]).arg(file))
}

/// Runs a command, and shows its output only if it fails.
fn run_quietly(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{line}` could not be started"))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("`{line}` failed ({})", output.status);
    }
    Ok(())
}

/// A web server that checks its configuration.
struct Server {
    /// The name of the program, and of its Debian package.
    name: &'static str,
    path_in_package: &'static str,
    /// Arguments that print the version, with options that the check needs.
    version_arguments: &'static [&'static str],
}

impl Server {
    /// Returns the installed program, or one from the Debian package, which is unpacked below
    /// `target`. Installing the package would also start the server.
    fn find_or_unpack(&self) -> Result<PathBuf> {
        let unpacked = workspace::target_dir()?.join(self.name);
        if let Some(program) = self.find(&unpacked) {
            return Ok(program);
        }
        let help = format!(
            "there is no {name}, and its package could not be downloaded: install it, for example \
             with `apt-get install {name}`",
            name = self.name
        );
        step(&format!("downloading {}", self.name), || apt::unpack(self.name, &unpacked))
            .context(help.clone())?;
        self.find(&unpacked).context(help)
    }

    fn find(&self, unpacked: &Path) -> Option<PathBuf> {
        // /usr/sbin may be missing from PATH.
        [PathBuf::from(self.name), Path::new("/").join(self.path_in_package)]
            .into_iter()
            .chain([unpacked.join(self.path_in_package)])
            .find(|program| succeeds(Command::new(program).args(self.version_arguments)))
    }
}

/// Copies a file, and replaces parts of its text.
fn copy_with(from: &Path, to: &Path, replacements: &[(&str, &str)]) -> Result<()> {
    let text =
        fs::read_to_string(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let text = replace(&text, replacements).with_context(|| from.display().to_string())?;
    Ok(fs::write(to, text)?)
}

/// Replaces parts of a string. Fails if a part does not occur, because its replacement is then out
/// of date.
fn replace(text: &str, replacements: &[(&str, &str)]) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        if !text.contains(from) {
            bail!("{from:?} does not occur: adapt the replacement in xtask/src/ci/deploy.rs");
        }
        text = text.replace(from, to);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(name: &str) -> String {
        fs::read_to_string(workspace::root().join("deploy").join(name)).unwrap()
    }

    #[test]
    fn the_replacements_fit_the_files() {
        let unit = replace(&deployed("latchkey.service"), &unit::REPLACEMENTS).unwrap();
        assert!(!unit.contains("/usr/local"), "{unit}");
        let site = replace(&deployed("nginx.conf"), &NGINX_REPLACEMENTS).unwrap();
        let listens = site.matches("listen ").count();
        assert_eq!(site.matches("listen 127.0.0.").count(), listens, "{site}");
    }

    #[test]
    fn a_replacement_that_does_not_fit_is_an_error() {
        assert_eq!(replace("a b", &[("a", "c")]).unwrap(), "c b");
        let error = replace("a b", &[("d", "c")]).unwrap_err().to_string();
        assert!(error.contains("\"d\""), "{error}");
    }
}
