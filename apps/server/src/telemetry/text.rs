use std::error::Error;
use std::fmt::{self, Debug};

use auth_core::{Clock as _, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Records as text: `TIME LEVEL span{field=value}: message field=value`.
///
/// Every request writes one, and that in the library's own format takes longer than to look
/// its session up.
pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(line, "{:.6} {:>5} ", SystemClock.now(), event.metadata().level())?;
        let spans = context.event_scope().into_iter().flat_map(Scope::from_root);
        let mut is_in_a_span = false;
        for span in spans {
            line.write_str(span.metadata().name())?;
            match span.extensions().get::<FormattedFields<N>>() {
                Some(fields) if !fields.is_empty() => {
                    line.write_char('{')?;
                    line.write_str(fields)?;
                    line.write_str("}:")?;
                }
                _ => line.write_char(':')?,
            }
            is_in_a_span = true;
        }
        if is_in_a_span {
            line.write_char(' ')?;
        }
        context.format_fields(line.by_ref(), event)?;
        line.write_char('\n')
    }
}

impl<'a> FormatFields<'a> for Text {
    fn format_fields<R: RecordFields>(&self, line: Writer<'a>, fields: R) -> fmt::Result {
        let mut visitor = Fields { line, is_first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Fields<'a> {
    line: Writer<'a>,
    is_first: bool,
    result: fmt::Result,
}

impl Fields<'_> {
    /// Writes a field by its name; the message has none.
    fn write(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let is_first = std::mem::take(&mut self.is_first);
        let line = &mut self.line;
        let mut named = || {
            if !is_first {
                line.write_char(' ')?;
            }
            if name != "message" {
                line.write_str(name.strip_prefix("r#").unwrap_or(name))?;
                line.write_char('=')?;
            }
            Ok(())
        };
        self.result = self.result.and_then(|()| named());
        self.result = self.result.and_then(|()| value(&mut self.line));
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // What a quoted text has to escape, or may have to.
        let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        self.write(field.name(), |line| match field.name() {
            "message" => line.write_str(value),
            _ if value.bytes().all(is_plain) => {
                line.write_char('"')?;
                line.write_str(value)?;
                line.write_char('"')
            }
            _ => write!(line, "{value:?}"),
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write(field.name(), |line| write!(line, "{value}"));
        let mut sources = Vec::new();
        let mut error = value;
        while let Some(source) = error.source() {
            sources.push(source.to_string());
            error = source;
        }
        if !sources.is_empty() {
            self.write(&format!("{}.sources", field.name()), |line| {
                write!(line, "[{}]", sources.join(", "))
            });
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field.name(), |line| write!(line, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    /// What is logged, in a format, without its time.
    fn logged(is_ours: bool) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let out = Arc::clone(&written);
        let log = tracing_subscriber::fmt().with_ansi(false).with_target(false);
        let log = log.with_writer(move || Shared(Arc::clone(&out)));
        let talk = || {
            tracing::warn!(answer = 42, yes = true, "alone");
            let span = tracing::info_span!("request", id = %"a-b", ip = None::<u8>, path = "/a b");
            let _in = span.enter();
            let error: &(dyn Error + 'static) = &Outer(Inner);
            tracing::info!(error, list = ?[1, 2], path = "a \"quoted\" \\ é", "in a span");
            tracing::info_span!("empty").in_scope(|| tracing::error!(r#type = "x"));
        };
        match is_ours {
            true => {
                let log = log.event_format(Text).fmt_fields(Text).finish();
                tracing::subscriber::with_default(log, talk);
            }
            false => tracing::subscriber::with_default(log.finish(), talk),
        }
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        written.lines().map(|line| format!("{}\n", line.split_once(' ').unwrap().1)).collect()
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_record_reads_as_the_library_would_write_it() {
        assert_eq!(logged(true), logged(false));
        assert!(logged(true).contains("request{id=a-b path=\"/a b\"}: in a span error=outer"));
    }
}
