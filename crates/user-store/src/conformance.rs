//! The tests that every backend of [`Store`](crate::Store) must pass.
//!
//! A backend implements [`Deployment`] and calls [`conformance_tests!`](crate::conformance_tests)
//! in its own tests. Each case becomes one test. Together they check every rule in the
//! documentation of the traits, concurrency between servers included.
//!
//! # Example
//!
//! In `Cargo.toml` of the backend, `user-store` is a dependency, and a dev-dependency with the
//! feature `testing`:
//!
//! ```toml
//! [dependencies]
//! user-store = { path = "latchkey/crates/user-store", default-features = false, features = ["rows"] }
//!
//! [dev-dependencies]
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! user-store = { path = "latchkey/crates/user-store", default-features = false, features = ["testing"] }
//! ```
//!
//! In `tests/conformance.rs`:
//!
//! ```
//! # mod my_store {
//! #     use user_store::{StoreError, async_trait, rows::{Transactions, Work}};
//! #     #[derive(Clone, Default)]
//! #     pub struct MyDatabase;
//! #     #[async_trait]
//! #     impl Transactions for MyDatabase {
//! #         async fn read(&self, _: Work) -> Result<(), StoreError> { Ok(()) }
//! #         async fn write(&self, _: Work) -> Result<(), StoreError> { Ok(()) }
//! #     }
//! # }
//! use std::sync::Arc;
//!
//! use my_store::MyDatabase;
//! use user_store::conformance::Deployment;
//! use user_store::rows::RowStore;
//! use user_store::{Store, async_trait};
//!
//! /// A new, empty database of its own, which is deleted when this is dropped.
//! struct Fresh(MyDatabase);
//!
//! #[async_trait]
//! impl Deployment for Fresh {
//!     /// Called once for each server. All servers of a deployment share the database.
//!     async fn connect(&self) -> Arc<dyn Store> {
//!         Arc::new(RowStore::new(self.0.clone()))
//!     }
//! }
//!
//! // The expression is evaluated once for each test.
//! user_store::conformance_tests!(Fresh(MyDatabase::default()));
//! user_store::transaction_tests!(MyDatabase::default());
//! # fn main() {}
//! ```
//!
//! A backend over [`rows`](crate::rows) also calls
//! [`transaction_tests!`](crate::transaction_tests). These tests call its
//! [`Transactions`](crate::rows::Transactions) directly: what a failed transaction leaves behind
//! cannot be seen through [`Store`](crate::Store), whose transactions do not fail after they have
//! written.
//!
//! The tests have names such as `sessions::an_expired_session_is_not_replaced`, and run in
//! parallel, like all tests: `cargo test sessions` runs those of one file of cases.

#![expect(clippy::unwrap_used, reason = "the cases are the bodies of tests")]
#![expect(missing_docs, reason = "the names of the cases say what they check")]

/// Exports the cases of a file, and defines a macro that turns each case into a test.
///
/// The functions themselves are private, so that the compiler reports a function that is missing
/// from the list as dead code. `$d` is a dollar sign for the parameters of the defined macro.
macro_rules! cases {
    (($d:tt) $macro:ident in $module:ident; $($case:ident,)+) => {
        cases! {
            ($d) $macro in $module on crate::conformance::deployment::Deployment;
            $($case,)+
        }
    };
    (($d:tt) $macro:ident in $module:ident on $tested:path; $($case:ident,)+) => {
        pub mod cases {
            $(
                pub async fn $case(tested: &dyn $tested) {
                    super::$case(tested).await;
                }
            )+
        }

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $macro {
            ($d tested:expr) => {
                $(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $case() {
                        let tested = $d tested;
                        $d crate::conformance::$module::cases::$case(&tested).await;
                    }
                )+
            };
        }
    };
}

pub mod attempts;
pub mod audit;
pub mod clocks;
pub mod code_lockouts;
mod code_steps;
pub mod codes;
pub mod decoys;
mod deployment;
pub mod email_change;
pub mod email_sign_in;
pub mod email_verification;
pub mod factor_races;
pub mod factor_rows;
mod factor_steps;
pub mod factors;
pub mod followers;
pub mod imports;
pub mod invitations;
pub mod keys;
pub mod mails;
pub mod metadata;
pub mod order;
pub mod passkeys;
pub mod password_reset;
pub mod races;
pub mod refresh;
pub mod repeats;
pub mod roles;
pub mod second_step;
pub mod second_step_races;
pub mod sessions;
mod steps;
pub mod store;
pub mod tickets;
#[cfg(feature = "rows")]
pub mod transactions;
pub mod users;

pub use deployment::Deployment;

/// Defines one test per case, in one module per file of cases. The argument is an expression that
/// creates a fresh [`Deployment`]. The calling crate needs `tokio` with the features `macros` and
/// `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    ($deployment:expr) => {
        mod users {
            use super::*;
            $crate::users_cases! { $deployment }
        }
        mod imports {
            use super::*;
            $crate::imports_cases! { $deployment }
        }
        mod roles {
            use super::*;
            $crate::roles_cases! { $deployment }
        }
        mod metadata {
            use super::*;
            $crate::metadata_cases! { $deployment }
        }
        mod sessions {
            use super::*;
            $crate::sessions_cases! { $deployment }
        }
        mod refresh {
            use super::*;
            $crate::refresh_cases! { $deployment }
        }
        mod repeats {
            use super::*;
            $crate::repeats_cases! { $deployment }
        }
        mod attempts {
            use super::*;
            $crate::attempts_cases! { $deployment }
        }
        mod audit {
            use super::*;
            $crate::audit_cases! { $deployment }
        }
        mod decoys {
            use super::*;
            $crate::decoys_cases! { $deployment }
        }
        mod keys {
            use super::*;
            $crate::keys_cases! { $deployment }
        }
        mod codes {
            use super::*;
            $crate::codes_cases! { $deployment }
        }
        mod email_verification {
            use super::*;
            $crate::email_verification_cases! { $deployment }
        }
        mod email_change {
            use super::*;
            $crate::email_change_cases! { $deployment }
        }
        mod password_reset {
            use super::*;
            $crate::password_reset_cases! { $deployment }
        }
        mod invitations {
            use super::*;
            $crate::invitations_cases! { $deployment }
        }
        mod email_sign_in {
            use super::*;
            $crate::email_sign_in_cases! { $deployment }
        }
        mod factors {
            use super::*;
            $crate::factors_cases! { $deployment }
        }
        mod followers {
            use super::*;
            $crate::followers_cases! { $deployment }
        }
        mod factor_rows {
            use super::*;
            $crate::factor_rows_cases! { $deployment }
        }
        mod second_step {
            use super::*;
            $crate::second_step_cases! { $deployment }
        }
        mod tickets {
            use super::*;
            $crate::tickets_cases! { $deployment }
        }
        mod code_lockouts {
            use super::*;
            $crate::code_lockouts_cases! { $deployment }
        }
        mod passkeys {
            use super::*;
            $crate::passkeys_cases! { $deployment }
        }
        mod factor_races {
            use super::*;
            $crate::factor_races_cases! { $deployment }
        }
        mod second_step_races {
            use super::*;
            $crate::second_step_races_cases! { $deployment }
        }
        mod mails {
            use super::*;
            $crate::mails_cases! { $deployment }
        }
        mod races {
            use super::*;
            $crate::races_cases! { $deployment }
        }
        mod clocks {
            use super::*;
            $crate::clocks_cases! { $deployment }
        }
        mod order {
            use super::*;
            $crate::order_cases! { $deployment }
        }
        mod store {
            use super::*;
            $crate::store_cases! { $deployment }
        }
    };
}

/// Defines the tests of [`Transactions`](crate::rows::Transactions), in the module `transactions`.
/// The argument is an expression that creates them over a new, empty database. The calling crate
/// needs `tokio` with the features `macros` and `rt-multi-thread`.
#[cfg(feature = "rows")]
#[macro_export]
macro_rules! transaction_tests {
    ($transactions:expr) => {
        mod transactions {
            use super::*;
            $crate::transactions_cases! { $transactions }
        }
    };
}
