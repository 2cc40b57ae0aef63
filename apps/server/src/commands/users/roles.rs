use accounts::{Role, RoleChange};
use clap::Args;

use super::output::user_json;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::print_message;

/// The arguments of `latchkey users grant` and `latchkey users revoke`.
#[derive(Args)]
pub(super) struct RoleArgs {
    #[command(flatten)]
    pub(super) user: UserArg,

    /// Name of the role, such as admin: 1 to 32 of a to z, 0 to 9, _, ., : and -
    #[arg(value_name = "ROLE")]
    pub(super) role: Role,
}

/// A change to the roles of a user.
#[derive(Clone, Copy)]
pub(super) enum RoleAction {
    Grant,
    Revoke,
}

impl RoleArgs {
    pub(super) async fn run(
        self,
        action: RoleAction,
        store: &StoreArgs,
    ) -> Result<(), CommandError> {
        let Self { user: name, role } = self;
        let accounts = operator::open(store).await?;
        let user = name.find(&accounts).await?;
        let changed = match action {
            RoleAction::Grant => accounts.operator().grant_role(user.id, &role).await,
            RoleAction::Revoke => accounts.operator().revoke_role(user.id, &role).await,
        };
        let changed = changed.map_err(|error| CommandError::from_operator(error, &name.name))?;
        // Read the account again to get its roles.
        let user = name.find(&accounts).await?;
        let (email, id) = (user.email.as_str(), user.id);
        let is_named_by_email = name.name.contains('@');
        if matches!(action, RoleAction::Grant)
            && is_named_by_email
            && user.email_verified_at.is_none()
        {
            print_message(&format!(
                "warning: {email} has not been verified, so the account may be a stranger's: compare \
                 its id ({id}) with the user's, or revoke the role"
            ));
        }
        let text = match (action, changed) {
            (RoleAction::Grant, RoleChange::Changed) => format!("granted {role} to {email} ({id})"),
            (RoleAction::Grant, RoleChange::Unchanged) => {
                format!("{email} ({id}) already has the role {role}")
            }
            (RoleAction::Revoke, RoleChange::Changed) => {
                format!("revoked {role} from {email} ({id})")
            }
            (RoleAction::Revoke, RoleChange::Unchanged) => {
                format!("{email} ({id}) does not have the role {role}")
            }
        };
        store.format().print(&text, &user_json(&user)).map_err(CommandError::DoneNotPrinted)
    }
}
