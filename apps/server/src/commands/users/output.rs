use accounts::User;
use serde_json::{Value, json};

use crate::error::CommandError;
use crate::output::OutputFormat;

/// Prints the action that was done, such as "created", and the account.
pub(super) fn print_done(
    done: &str,
    user: &User,
    format: OutputFormat,
) -> Result<(), CommandError> {
    let text = format!("{done} {} ({})", user.email.as_str(), user.id);
    format.print(&text, &user_json(user)).map_err(CommandError::DoneNotPrinted)
}

pub(super) fn user_json(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email.as_str(),
        "created_at": user.created_at.to_string(),
        "disabled_at": user.disabled_at.map(|at| at.to_string()),
        "email_verified_at": user.email_verified_at.map(|at| at.to_string()),
        "second_factor_at": user.second_factor_at.map(|at| at.to_string()),
        "roles": user.roles.iter().collect::<Vec<_>>(),
    })
}
