/// Declares an enum whose variants are strings in JSON. The strings are also available without
/// serde. Any other string is an error, or the variant `unknown`.
///
/// serde would derive several times as much code, which every visitor of the web app downloads.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$of_variant:meta])* $variant:ident = $text:literal,)+
        }
        $(unknown = $unknown:ident)?
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $(
                $(#[$of_variant])*
                #[cfg_attr(feature = "schema", schemars(rename = $text))]
                $variant,
            )+
        }

        impl $name {
            /// All variants.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the string of the variant in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let variant = Self::ALL.iter().copied().find(|variant| variant.as_str() == text);
                let error = concat!("unknown ", stringify!($name));
                variant
                    $(.or(Some(Self::$unknown)))?
                    .ok_or_else(|| serde::de::Error::custom(error))
            }
        }
    };
}

/// Implements `Debug` for types that contain a secret or an email address: it prints only the name
/// of the type.
macro_rules! debug_by_name {
    ($($name:ident $(<$param:ident>)?)+) => {
        $(
            impl$(<$param>)? fmt::Debug for $name$(<$param>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }
        )+
    };
}
