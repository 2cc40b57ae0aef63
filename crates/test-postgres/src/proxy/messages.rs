//! The messages of a client, parsed just enough to find a COMMIT
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use std::collections::HashSet;

/// A message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// It executes a COMMIT, possibly among other statements.
    Commit,
    /// It asks for TLS or GSSAPI encryption. Only allowed before the first other message.
    EncryptionRequest,
    /// Any other message.
    Other,
}

/// The state of a connection that is needed to understand the client's messages.
#[derive(Debug, Default)]
pub(super) struct ClientMessages {
    has_started: bool,
    /// The names of the prepared statements that are a COMMIT.
    statements: HashSet<Vec<u8>>,
    /// The names of the portals that execute such a statement.
    portals: HashSet<Vec<u8>>,
}

/// The codes of the requests for TLS and GSSAPI encryption, in the field in which a startup message
/// has its version.
const ENCRYPTION_REQUESTS: [u32; 2] = [80_877_103, 80_877_104];

impl ClientMessages {
    /// Parses the first message in `bytes`. Returns its length, or `None` if it is incomplete.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<(usize, Message)> {
        // Only the messages before the session has started have no type.
        let type_bytes = usize::from(self.has_started);
        let length = usize::try_from(number(bytes.get(type_bytes..)?)?).ok()? + type_bytes;
        let content = bytes.get(..length)?.get(type_bytes + 4..)?;
        if !self.has_started {
            if number(content).is_some_and(|code| ENCRYPTION_REQUESTS.contains(&code)) {
                return Some((length, Message::EncryptionRequest));
            }
            self.has_started = true;
            return Some((length, Message::Other));
        }
        Some((length, self.classify(bytes[0], content)))
    }

    fn classify(&mut self, kind: u8, content: &[u8]) -> Message {
        let is_commit = match kind {
            b'Q' => split_string(content).is_some_and(|(sql, _)| commits(sql)),
            b'P' => {
                let parsed = split_string(content)
                    .and_then(|(name, rest)| Some((name, split_string(rest)?.0)));
                if let Some((name, sql)) = parsed {
                    remember(&mut self.statements, name, commits(sql));
                }
                false
            }
            b'B' => {
                let parsed = split_string(content)
                    .and_then(|(portal, rest)| Some((portal, split_string(rest)?.0)));
                if let Some((portal, statement)) = parsed {
                    remember(&mut self.portals, portal, self.statements.contains(statement));
                }
                false
            }
            b'E' => split_string(content).is_some_and(|(portal, _)| self.portals.contains(portal)),
            _ => false,
        };
        if is_commit { Message::Commit } else { Message::Other }
    }
}

fn remember(names: &mut HashSet<Vec<u8>>, name: &[u8], is_commit: bool) {
    if is_commit {
        names.insert(name.to_vec());
    } else {
        names.remove(name);
    }
}

/// Returns `true` if one of the statements in `sql` is a COMMIT.
fn commits(sql: &[u8]) -> bool {
    String::from_utf8_lossy(sql).split(';').any(|statement| {
        let word = statement.split_whitespace().next().unwrap_or_default();
        word.eq_ignore_ascii_case("commit") || word.eq_ignore_ascii_case("end")
    })
}

/// Returns `true` if messages of a server contain the answer to a COMMIT. If the transaction has
/// failed, a COMMIT rolls it back.
pub(super) fn ends_transaction(bytes: &[u8]) -> bool {
    let contains = |answer: &[u8]| bytes.windows(answer.len()).any(|window| window == answer);
    contains(b"C\0\0\0\x0bCOMMIT\0") || contains(b"C\0\0\0\x0dROLLBACK\0")
}

/// Splits a string that ends with a zero from the rest.
fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_be_bytes)
}
