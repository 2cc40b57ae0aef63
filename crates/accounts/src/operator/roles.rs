use std::sync::Arc;

use auth_core::{Role, TooManyRoles, UserId};
use user_store::{GrantRoleOutcome, MetadataChange, RevokeRoleOutcome, SetMetadataOutcome};

use crate::operator::Operator;
use crate::operator::users::OperatorError;
use crate::service_error::ServiceError;

/// The outcome of [`Operator::grant_role`] and [`Operator::revoke_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChange {
    /// The roles of the user were changed.
    Changed,
    /// The roles of the user already were as requested.
    Unchanged,
}

impl Operator<'_> {
    /// Grants a role to a user. Their next request has the role, in the sessions that they have.
    /// An access token that other services verify contains it after the next refresh.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`], [`OperatorError::TooManyRoles`] or
    /// [`OperatorError::Service`].
    pub async fn grant_role(&self, user: UserId, role: &Role) -> Result<RoleChange, OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let role = role.clone();
        let grant = async move {
            let outcome = store.grant_role(user, &role, now).await;
            match outcome.map_err(ServiceError::from)? {
                GrantRoleOutcome::Granted => {
                    tracing::info!(%user, %role, "role granted by an operator");
                    Ok(RoleChange::Changed)
                }
                GrantRoleOutcome::Unchanged => Ok(RoleChange::Unchanged),
                GrantRoleOutcome::TooManyRoles => Err(TooManyRoles.into()),
                GrantRoleOutcome::NotFound => Err(OperatorError::NoSuchUser),
            }
        };
        self.accounts.tasks.run_to_completion(grant).await
    }

    /// Revokes a role of a user. Their next request does not have the role. Other services accept
    /// it until the access token expires, after [5 minutes](crate::Config::access_token_lifetime)
    /// by default: to take it away there too, [sign the user out](Self::sign_out) and let those
    /// services wait for that long.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn revoke_role(
        &self,
        user: UserId,
        role: &Role,
    ) -> Result<RoleChange, OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let role = role.clone();
        let revoke = async move {
            let outcome = store.revoke_role(user, &role, now).await;
            match outcome.map_err(ServiceError::from)? {
                RevokeRoleOutcome::Revoked => {
                    tracing::info!(%user, %role, "role revoked by an operator");
                    Ok(RoleChange::Changed)
                }
                RevokeRoleOutcome::Unchanged => Ok(RoleChange::Unchanged),
                RevokeRoleOutcome::NotFound => Err(OperatorError::NoSuchUser),
            }
        };
        self.accounts.tasks.run_to_completion(revoke).await
    }

    /// Replaces the public or the private metadata of a user. Read it with
    /// [`Accounts::metadata`](crate::Accounts::metadata). Every change is recorded in the audit
    /// log, without its content: data that changes often belongs into a table of the app.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn set_metadata(&self, change: &MetadataChange) -> Result<(), OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let (change, erase_requests) = (change.clone(), self.accounts.erase_requests.clone());
        let set = async move {
            match store.set_metadata(&change, now).await.map_err(ServiceError::from)? {
                SetMetadataOutcome::Set => {}
                SetMetadataOutcome::NotFound => return Err(OperatorError::NoSuchUser),
            }
            erase_requests.notify();
            tracing::info!(user = %change.user, kind = change.kind.as_str(), "metadata changed");
            Ok(())
        };
        self.accounts.tasks.run_to_completion(set).await
    }
}
