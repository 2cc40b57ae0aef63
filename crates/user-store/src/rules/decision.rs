/// The result of a rule, which the transaction carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Decision<W, O> {
    /// Make the change. The value is an input for it, such as the event to record.
    Write(W),
    /// Change nothing, and return this outcome.
    Return(O),
}
