//! The tests that every [`Store`](crate::Store) must pass, on any backend.
//!
//! A backend implements [`Deployment`] and calls [`conformance_tests!`](crate::conformance_tests)
//! in a test of its own. Every case becomes one test.

#![expect(clippy::unwrap_used, reason = "the cases are the bodies of tests")]
#![expect(missing_docs, reason = "the names of the cases say what they check")]

/// Publishes the cases of a file, and defines the macro that makes one test of each.
///
/// The functions themselves are private: the compiler reports one that is missing in the list as
/// dead code. `$d` is a dollar sign, for the parameters of the macro that this one defines.
macro_rules! cases {
    (($d:tt) $macro:ident in $module:ident; $($case:ident,)+) => {
        pub mod cases {
            $(
                pub async fn $case(fresh: &dyn crate::conformance::deployment::Deployment) {
                    super::$case(fresh).await;
                }
            )+
        }

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $macro {
            ($d fresh:expr) => {
                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $case() {
                        let deployment = $d fresh;
                        $d crate::conformance::$module::cases::$case(&deployment).await;
                    }
                )+
            };
        }
    };
}

pub mod attempts;
pub mod audit;
mod deployment;
pub mod keys;
pub mod sessions;
mod steps;
pub mod store;
pub mod users;

pub use deployment::Deployment;

/// Makes one test of each case, in a module for each entity. The argument is an expression that
/// makes a fresh [`Deployment`]; the caller needs `tokio` with its macros.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:expr) => {
        mod users {
            use super::*;
            $crate::users_cases! { $fresh }
        }
        mod sessions {
            use super::*;
            $crate::sessions_cases! { $fresh }
        }
        mod attempts {
            use super::*;
            $crate::attempts_cases! { $fresh }
        }
        mod audit {
            use super::*;
            $crate::audit_cases! { $fresh }
        }
        mod keys {
            use super::*;
            $crate::keys_cases! { $fresh }
        }
        mod store {
            use super::*;
            $crate::store_cases! { $fresh }
        }
    };
}
