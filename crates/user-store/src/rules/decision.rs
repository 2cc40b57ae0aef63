/// The result of a rule, which the transaction carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Decision<W, O> {
    /// Make the change, which needs this value.
    Write(W),
    /// Change nothing, and return this outcome.
    Return(O),
}
