use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Encodes two secrets of fixed lengths as one base64url string, which is zeroized when dropped.
pub(crate) fn encode(first: &[u8], second: &[u8]) -> Zeroizing<String> {
    let bytes = Zeroizing::new([first, second].concat());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes))
}

/// Decodes a string that [`encode`] returned. No other spelling is accepted.
pub(crate) fn decode<const A: usize, const B: usize>(text: &str) -> Option<([u8; A], [u8; B])> {
    // Reject other lengths before allocating.
    if text.len() != ((A + B) * 4).div_ceil(3) {
        return None;
    }
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    let (first, second) = bytes.split_at_checked(A)?;
    Some((first.try_into().ok()?, second.try_into().ok()?))
}
