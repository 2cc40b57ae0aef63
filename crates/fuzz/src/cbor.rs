use std::iter;

/// A CBOR item, parsed recursively. Tags and indefinite lengths are not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array,
    Map(Vec<(Item, Item)>),
    Other,
}

impl Item {
    /// Removes an item from the beginning of the input.
    pub(crate) fn take(input: &mut &[u8]) -> Option<Self> {
        let (first, rest) = input.split_first()?;
        *input = rest;
        let argument = match first & 31 {
            value @ 0..=23 => u64::from(value),
            size @ 24..=27 => {
                let bytes = take(input, 1 << (size - 24))?;
                bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
            }
            _ => return None,
        };
        match first >> 5 {
            0 => Some(Self::Int(i128::from(argument))),
            1 => Some(Self::Int(-1 - i128::from(argument))),
            2 => Some(Self::Bytes(take(input, argument)?.to_vec())),
            3 => Some(Self::Text(String::from_utf8(take(input, argument)?.to_vec()).ok()?)),
            4 => {
                for _ in 0..argument {
                    Self::take(input)?;
                }
                Some(Self::Array)
            }
            5 => {
                let mut entries = Vec::new();
                for _ in 0..argument {
                    entries.push((Self::take(input)?, Self::take(input)?));
                }
                Some(Self::Map(entries))
            }
            6 => None,
            _ => Some(Self::Other),
        }
    }

    /// Returns the value of a key, if this is a map with the key exactly once.
    pub(crate) fn get(&self, key: &Self) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let mut values = entries.iter().filter(|(other, _)| other == key).map(|(_, value)| value);
        let value = values.next()?;
        if values.next().is_some() { None } else { Some(value) }
    }

    pub(crate) fn is_text_map(&self) -> bool {
        let Self::Map(entries) = self else { return false };
        entries.iter().all(|(key, _)| matches!(key, Self::Text(_)))
    }

    /// Returns the number of times that a map contains a key.
    pub(crate) fn count(&self, key: &Self) -> usize {
        let Self::Map(entries) = self else { return 0 };
        entries.iter().filter(|(other, _)| other == key).count()
    }
}

fn take<'a>(input: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(taken)
}

/// Returns `true` if the input could contain items that are nested so deeply that [`Item::take`]
/// would overflow the stack. The first byte of an array or a map is in a range of its own.
pub(crate) fn may_be_deep(input: &[u8]) -> bool {
    input.iter().filter(|byte| (0x80..0xc0).contains(*byte)).count() > 1000
}

/// Returns the shortest encoding of a map with these keys and values, which are integers and bytes.
pub(crate) fn encode_map(entries: &[(i128, Item)]) -> Vec<u8> {
    let mut output = head(5, entries.len() as u64);
    for (key, value) in entries {
        output.extend(encode_int(*key));
        match value {
            Item::Int(value) => output.extend(encode_int(*value)),
            Item::Bytes(bytes) => {
                output.extend(head(2, bytes.len() as u64));
                output.extend(bytes);
            }
            other => unreachable!("{other:?}"),
        }
    }
    output
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the values are small")]
fn encode_int(value: i128) -> Vec<u8> {
    if value < 0 { head(1, (-1 - value) as u64) } else { head(0, value as u64) }
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let (info, bytes) = match argument {
        0..=23 => (argument.to_le_bytes()[0], 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        _ => (26, 4),
    };
    let first = iter::once(major << 5 | info);
    first.chain(argument.to_be_bytes().into_iter().skip(8 - bytes)).collect()
}
