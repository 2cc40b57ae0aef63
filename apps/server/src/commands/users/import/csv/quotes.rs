//! Checks the quotation marks of CSV.

use crate::commands::users::import::file::Place;

/// An error from [`find_records`]: a misplaced quotation mark. It is unknown where its value ends,
/// and therefore where the next records begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum QuoteError {
    /// The file ends within a value.
    #[error(
        "the value that begins with a quotation mark in line {opened} has no closing one; add it, and double each quotation mark inside a value"
    )]
    NotClosed { opened: u64 },
    /// More text follows a quotation mark that closes a value.
    #[error(
        "the value that begins with a quotation mark in line {opened} has a single one inside it in line {line}; close the value before it, or double each quotation mark inside a value"
    )]
    TextAfterQuote { opened: u64, line: u64 },
}

/// The position in a row.
#[derive(Clone, Copy)]
enum State {
    /// At the start of a value.
    Start,
    /// In an unquoted value, where a quotation mark is text.
    Unquoted,
    /// In a quoted value, which can contain line breaks.
    Quoted,
    /// After a quotation mark in a quoted value: the end of the value, or the first of two.
    Closed,
}

/// Returns the places of all records. The first record contains the names of the columns. Empty
/// lines are not records.
pub(super) fn find_records(text: &str) -> Result<Vec<Place>, QuoteError> {
    let mut places = Vec::new();
    let mut line = 1;
    let mut first = None;
    let mut opened = line;
    let mut state = State::Start;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let is_line_end = match byte {
            b'\n' => true,
            b'\r' => bytes.peek() != Some(&b'\n'),
            _ => false,
        };
        match (state, byte) {
            (State::Quoted, b'"') => state = State::Closed,
            (State::Quoted, _) => {}
            (_, b'\r' | b'\n') => {
                if is_line_end {
                    places.extend(first.take().map(|first| Place::Lines { first, last: line }));
                    state = State::Start;
                }
            }
            (_, b',') => {
                first.get_or_insert(line);
                state = State::Start;
            }
            (State::Start, b'"') => {
                first.get_or_insert(line);
                opened = line;
                state = State::Quoted;
            }
            (State::Closed, b'"') => state = State::Quoted,
            (State::Closed, _) => return Err(QuoteError::TextAfterQuote { opened, line }),
            (State::Start | State::Unquoted, _) => {
                first.get_or_insert(line);
                state = State::Unquoted;
            }
        }
        if is_line_end {
            line += 1;
        }
    }
    if matches!(state, State::Quoted) {
        return Err(QuoteError::NotClosed { opened });
    }
    places.extend(first.map(|first| Place::Lines { first, last: line }));
    Ok(places)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> Result<Vec<(u64, u64)>, QuoteError> {
        let pair = |place| match place {
            Place::Lines { first, last } => (first, last),
            Place::Element(_) => unreachable!(),
        };
        find_records(text).map(|places| places.into_iter().map(pair).collect())
    }

    #[test]
    fn records_are_found_with_their_lines() {
        assert_eq!(lines(""), Ok(vec![]));
        assert_eq!(lines("a,b\n1,2"), Ok(vec![(1, 1), (2, 2)]));
        assert_eq!(lines("a\r\n\r\n\"x\ny\"\r\nz\r\n"), Ok(vec![(1, 1), (3, 4), (5, 5)]));
        assert_eq!(lines("a\r1\r\r2"), Ok(vec![(1, 1), (2, 2), (4, 4)]));
        assert_eq!(lines("\"a \"\"b\"\"\",\"\"\n5\" x 3\""), Ok(vec![(1, 1), (2, 2)]));
    }

    #[test]
    fn a_misplaced_quotation_mark_is_an_error() {
        let not_closed = |opened| Err(QuoteError::NotClosed { opened });
        assert_eq!(lines("a,b\n1,\"x\n2,y\n"), not_closed(2));
        assert_eq!(lines("a\n\"x\n\"\"\n"), not_closed(2));
        let in_text = |opened, line| Err(QuoteError::TextAfterQuote { opened, line });
        assert_eq!(lines("a,b\n1,\"x\n2,y\n3,\"z\"\n"), in_text(2, 4));
        assert_eq!(lines("a\n\"x \\\"y\\\"\"\n"), in_text(2, 2));
        assert_eq!(lines("a\n\"x\" \n"), in_text(2, 2));
    }

    proptest! {
        #[test]
        fn the_csv_library_finds_the_same_records(text in "[a,\"\n\r ]{0,40}") {
            if let Ok(places) = find_records(&text) {
                let mut reader = csv::ReaderBuilder::new();
                let reader = reader.flexible(true).has_headers(false).from_reader(text.as_bytes());
                prop_assert_eq!(reader.into_records().count(), places.len());
            }
        }

        #[test]
        fn every_written_file_is_accepted(
            rows in prop::collection::vec(["[a,\"\n\r é]{1,5}", "[a,\"\n\r é]{1,5}"], 1..5),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(find_records(&text).unwrap().len(), rows.len());
        }
    }
}
