//! Reads the CBOR of authenticators (RFC 8949), in the form that CTAP 2.2, section 8 requires:
//! without tags and without indefinite lengths.
//!
//! Reading neither recurses nor allocates, so deep nesting and huge lengths are harmless. Keys may
//! be in any order, and integers need not have the shortest form.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// Reads the head of a map, and returns the number of its entries.
pub(super) fn map(decoder: &mut Decoder<'_>) -> Result<u64, Error> {
    decoder.map()?.ok_or_else(|| Error::message("indefinite length"))
}

/// Skips one data item with everything in it.
pub(super) fn skip(decoder: &mut Decoder<'_>) -> Result<(), Error> {
    let mut items: u64 = 1;
    while let Some(rest) = items.checked_sub(1) {
        let inner = match decoder.datatype()? {
            Type::Array => decoder.array()?,
            Type::Map => decoder.map()?.and_then(|entries| entries.checked_mul(2)),
            Type::ArrayIndef
            | Type::MapIndef
            | Type::BytesIndef
            | Type::StringIndef
            | Type::Tag
            | Type::Break
            | Type::Unknown(_) => return Err(Error::message("not in canonical form")),
            _ => {
                decoder.skip()?;
                Some(0)
            }
        };
        let total = inner.and_then(|inner| rest.checked_add(inner));
        items = total.ok_or_else(|| Error::message("too many items"))?;
    }
    Ok(())
}

/// Skips a map whose keys are texts, with everything in it.
pub(super) fn skip_text_map(decoder: &mut Decoder<'_>) -> Result<(), Error> {
    for _ in 0..map(decoder)? {
        decoder.str()?;
        skip(decoder)?;
    }
    Ok(())
}
