use std::future::pending;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::sleep;

use crate::fault::{Action, Command};
use crate::state::{ReceivedMail, State};

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The encryption of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Plain,
    Tls,
}

/// The effect of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Positive,
    Negative,
}

struct Session<'a> {
    stream: BufReader<Box<dyn Stream>>,
    channel: Channel,
    state: &'a State,
    is_authenticated: bool,
    from: String,
    to: String,
}

/// Serves a connection until one side closes it.
pub(crate) async fn run(
    stream: Box<dyn Stream>,
    channel: Channel,
    state: &State,
) -> io::Result<()> {
    let stream = BufReader::new(stream);
    let (from, to) = (String::new(), String::new());
    let mut session = Session { stream, channel, state, is_authenticated: false, from, to };
    if session.reply(Command::Connect, "220 test").await? == Reply::Negative {
        return Ok(());
    }
    loop {
        let line = session.line().await?;
        let prefix = if session.channel == Channel::Tls { "tls:" } else { "" };
        state.add_command(format!("{prefix}{line}"));
        let (verb, parameter) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => session.ehlo().await?,
            "STARTTLS" => session = session.start_tls().await?,
            "AUTH" => session.auth(parameter).await?,
            "MAIL" => session.mail(parameter).await?,
            "RCPT" => {
                parameter.clone_into(&mut session.to);
                session.reply(Command::Rcpt, "250 ok").await?;
            }
            "DATA" => session.data().await?,
            "QUIT" => {
                session.reply(Command::Quit, "221 bye").await?;
                return Ok(());
            }
            _ => session.write("502 unknown command").await?,
        }
    }
}

impl<'a> Session<'a> {
    async fn ehlo(&mut self) -> io::Result<()> {
        let mut reply = "250-test".to_owned();
        if self.channel == Channel::Plain && self.state.start_tls.is_some() {
            reply.push_str("\r\n250-STARTTLS");
        }
        if self.state.login.is_some() {
            reply.push_str("\r\n250-AUTH ");
            reply.push_str(self.state.mechanisms);
        }
        reply.push_str("\r\n250 SIZE 1000000");
        self.reply(Command::Ehlo, &reply).await?;
        Ok(())
    }

    async fn start_tls(mut self) -> io::Result<Session<'a>> {
        let Some(acceptor) = &self.state.start_tls else {
            self.write("502 unknown command").await?;
            return Ok(self);
        };
        if self.reply(Command::StartTls, "220 begin").await? == Reply::Negative {
            return Ok(self);
        }
        let stream: Box<dyn Stream> = Box::new(acceptor.accept(self.stream.into_inner()).await?);
        Ok(Session { stream: BufReader::new(stream), channel: Channel::Tls, ..self })
    }

    async fn auth(&mut self, parameter: &str) -> io::Result<()> {
        let credentials = if let Some(plain) = parameter.strip_prefix("PLAIN ") {
            decode(plain).strip_prefix('\0').unwrap_or_default().to_owned()
        } else {
            self.write(&format!("334 {}", STANDARD.encode("Username:"))).await?;
            let user = decode(&self.line().await?);
            self.write(&format!("334 {}", STANDARD.encode("Password:"))).await?;
            format!("{user}\0{}", decode(&self.line().await?))
        };
        let expected = self.state.login.map(|(user, password)| format!("{user}\0{password}"));
        if expected != Some(credentials) {
            return self.write("535 5.7.8 wrong user or password").await;
        }
        self.is_authenticated = self.reply(Command::Auth, "235 accepted").await? == Reply::Positive;
        Ok(())
    }

    async fn mail(&mut self, parameter: &str) -> io::Result<()> {
        if self.state.login.is_some() && !self.is_authenticated {
            return self.write("530 5.7.0 authentication required").await;
        }
        parameter.clone_into(&mut self.from);
        self.reply(Command::Mail, "250 ok").await?;
        Ok(())
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.reply(Command::Data, "354 go ahead").await? == Reply::Negative {
            return Ok(());
        }
        let mut content = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
        }
        let mail = ReceivedMail { from: self.from.clone(), to: self.to.clone(), content };
        // Unless it replies that it rejects the mail, the server has accepted it, even if the
        // client does not receive the reply.
        let fault = self.state.fault(Command::Content);
        if !matches!(fault, Some(Action::Reply(reply)) if !is_positive(reply)) {
            self.state.add_mail(mail);
        }
        self.act(fault, "250 accepted").await?;
        Ok(())
    }

    async fn reply(&mut self, command: Command, normal: &str) -> io::Result<Reply> {
        let fault = self.state.fault(command);
        self.act(fault, normal).await
    }

    async fn act(&mut self, fault: Option<Action>, normal: &str) -> io::Result<Reply> {
        let text = match fault {
            None => normal,
            Some(Action::Reply(text)) => text,
            Some(Action::Delay(time)) => {
                sleep(time).await;
                normal
            }
            Some(Action::Silence) => pending().await,
            Some(Action::Close) => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        self.write(text).await?;
        Ok(if is_positive(text) { Reply::Positive } else { Reply::Negative })
    }

    /// Sends a reply at once, so that a client that does not wait for line breaks sees all of it.
    async fn write(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    /// Returns the next line, which must end with CRLF.
    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn is_positive(reply: &str) -> bool {
    reply.starts_with(['2', '3'])
}

fn decode(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
