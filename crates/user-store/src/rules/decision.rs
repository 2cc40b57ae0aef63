/// What a transaction does after it has read its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Decision<W, O> {
    /// Write this.
    Write(W),
    /// Write nothing, and return this outcome.
    Return(O),
}
