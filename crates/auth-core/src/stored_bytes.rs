/// Declares a type for 32 bytes that a store holds, such as a hash.
macro_rules! stored_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Creates the value from 32 stored bytes.
            ///
            /// # Errors
            ///
            /// [`InvalidStoredToken`](crate::InvalidStoredToken) if the number of bytes is not 32.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::stored_bytes::InvalidStoredToken> {
                bytes.try_into().map(Self).map_err(|_| $crate::stored_bytes::InvalidStoredToken)
            }

            /// Returns the bytes to store.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

/// An error from reading a stored hash or salt that is not 32 bytes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored hash or salt is not 32 bytes long")]
pub struct InvalidStoredToken;
