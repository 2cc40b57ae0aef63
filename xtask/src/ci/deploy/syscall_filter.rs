//! The system calls that a systemd unit permits.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// A group of system calls that systemd permits to every unit with a list of permitted calls.
const ALWAYS_PERMITTED: &str = "@default";

/// The groups of system calls that systemd defines, such as `@system-service`.
pub(super) struct Groups(BTreeMap<String, Vec<String>>);

impl Groups {
    /// Asks systemd for its groups.
    pub(super) fn of_this_machine() -> Result<Self> {
        let output =
            Command::new("systemd-analyze").args(["syscall-filter", "--no-pager"]).output();
        let output = output.context("`systemd-analyze syscall-filter` could not be started")?;
        if !output.status.success() {
            bail!("`systemd-analyze syscall-filter` failed ({})", output.status);
        }
        Ok(Self::parse(&String::from_utf8(output.stdout)?))
    }

    /// Parses the output of `systemd-analyze syscall-filter`: the names of groups, each followed
    /// by the indented names of its members and a comment.
    fn parse(text: &str) -> Self {
        let mut groups = BTreeMap::new();
        let mut members = None;
        for line in text.lines() {
            match line.strip_prefix("    ").map(str::trim) {
                None if line.starts_with('@') => {
                    members = Some(groups.entry(line.trim().to_owned()).or_insert_with(Vec::new));
                }
                // A blank line, or a comment about system calls that are in no group.
                None => members = None,
                Some(comment) if comment.starts_with('#') => {}
                Some(member) => {
                    if let Some(members) = &mut members {
                        members.push(member.to_owned());
                    }
                }
            }
        }
        Self(groups)
    }

    /// Adds a system call, or all those of a group, to `calls`.
    fn expand(&self, name: &str, calls: &mut BTreeSet<String>) -> Result<()> {
        if !name.starts_with('@') {
            calls.insert(name.to_owned());
            return Ok(());
        }
        let members = self.0.get(name);
        let members = members.with_context(|| format!("systemd has no group {name}"))?;
        members.iter().try_for_each(|member| self.expand(member, calls))
    }
}

/// Returns the system calls that a unit permits. Its settings add to the permitted system calls
/// or, with a tilde, remove some (systemd.exec(5), `SystemCallFilter=`).
pub(super) fn permitted(unit: &str, groups: &Groups) -> Result<BTreeSet<String>> {
    let mut permitted = BTreeSet::new();
    for value in settings(unit, "SystemCallFilter") {
        let (removed, names) = match value.strip_prefix('~') {
            Some(names) => (true, names),
            None => (false, value),
        };
        if removed && permitted.is_empty() {
            bail!("the first SystemCallFilter= of the unit must list permitted system calls");
        }
        if permitted.is_empty() {
            groups.expand(ALWAYS_PERMITTED, &mut permitted)?;
        }
        let mut calls = BTreeSet::new();
        names.split_whitespace().try_for_each(|name| groups.expand(name, &mut calls))?;
        if removed {
            permitted.retain(|call| !calls.contains(call));
        } else {
            permitted.append(&mut calls);
        }
    }
    match permitted.is_empty() {
        true => bail!("the unit has no SystemCallFilter="),
        false => Ok(permitted),
    }
}

/// Returns the values of a setting, in order.
pub(super) fn settings<'a>(unit: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    unit.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "@default
    # System calls that are always permitted
    execve
    brk

@service
    # A comment
    @file
    setpriority
    read

@file
    # A comment
    open
    chown

# Ungrouped System Calls (known but not included in any of the groups except @known):
#   acct
";

    fn permitted(unit: &str) -> Vec<String> {
        let calls = super::permitted(unit, &Groups::parse(GROUPS)).unwrap();
        calls.into_iter().collect()
    }

    #[test]
    fn groups_are_expanded_and_settings_apply_in_order() {
        let add = "[Service]\nSystemCallFilter=@service\n";
        assert_eq!(permitted(add), ["brk", "chown", "execve", "open", "read", "setpriority"]);
        let remove = format!("{add}SystemCallFilter=~chown setpriority\n");
        assert_eq!(permitted(&remove), ["brk", "execve", "open", "read"]);
        let add_again = format!("{remove}SystemCallFilter=setpriority\n");
        assert_eq!(permitted(&add_again), ["brk", "execve", "open", "read", "setpriority"]);
    }

    #[test]
    fn a_unit_without_a_list_of_permitted_calls_is_an_error() {
        let groups = Groups::parse(GROUPS);
        for unit in ["", "SystemCallFilter=~chown\n", "SystemCallFilter=@unknown\n"] {
            assert!(super::permitted(unit, &groups).is_err(), "{unit}");
        }
    }
}
