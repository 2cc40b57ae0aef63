use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use pbkdf2::sha2::Sha256;
use pbkdf2_lanes::{Job, Kernel, Plan, derive};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::command::{CommandResult, print_line};

/// A method of hashing passwords, with its name on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    /// `crate`: the `pbkdf2` crate, one password at a time.
    Crate,
    /// `plan`: `pbkdf2-lanes` as in the server, with a plan measured on this machine.
    Plan,
    /// `shani4`, `avx2` and so on: `pbkdf2-lanes` with one kernel.
    Only(Kernel),
}

impl FromStr for Method {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_named = |kernel: &Kernel| format!("{kernel:?}").eq_ignore_ascii_case(name);
        match name {
            "crate" => Ok(Self::Crate),
            "plan" => Ok(Self::Plan),
            _ => {
                Kernel::ALL.into_iter().find(is_named).map(Self::Only).ok_or(
                    "unknown method: use `crate`, `plan` or the name of a kernel (`avx2`, …)",
                )
            }
        }
    }
}

/// Hashes passwords on one core and prints the time that all of them took, or `null` if this
/// machine does not support the method.
pub(crate) fn measure(method: Method, passwords: usize, iterations: u32) -> CommandResult<()> {
    let plan = match method {
        Method::Crate => None,
        Method::Plan => Some(Plan::measured(processor_time)),
        Method::Only(kernel) => match Plan::only(kernel) {
            Some(plan) => Some(plan),
            None => return print_line(&json!({ "seconds": null })),
        },
    };
    // Warm up: an idle core takes a moment to reach its full speed.
    hash(plan.as_ref(), passwords, iterations / 10);
    let start = processor_time();
    hash(plan.as_ref(), passwords, iterations);
    print_line(&json!({ "seconds": (processor_time() - start).as_secs_f64() }))
}

/// Returns the processor time of this thread, which excludes other work on the same core.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

const PASSWORD: &[u8] = b"a long walk along the sea";

/// Hashes with `pbkdf2-lanes` if there is a plan, and with the `pbkdf2` crate otherwise.
fn hash(plan: Option<&Plan>, passwords: usize, iterations: u32) -> Vec<[u8; 32]> {
    let salt = &black_box([0; 16]);
    let mut outputs = vec![[0; 32]; passwords];
    let Some(plan) = plan else {
        for output in &mut outputs {
            pbkdf2::pbkdf2_hmac::<Sha256>(PASSWORD, salt, iterations, output);
        }
        return black_box(outputs);
    };
    let job = |output| Job { password: PASSWORD, salt, iterations, output };
    let mut jobs: Vec<_> = outputs.iter_mut().map(|output| job(output.as_mut_slice())).collect();
    derive(&mut jobs, plan);
    black_box(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_implementations_compute_the_same_hash() {
        let expected = hash(None, 3, 10);
        assert_eq!(hash(Some(&Plan::default()), 3, 10), expected);
        assert_ne!(hash(None, 3, 11), expected);
    }

    #[test]
    fn every_method_has_a_name() {
        assert!(matches!("shani4".parse(), Ok(Method::Only(Kernel::ShaNi4))));
        assert!("crate".parse::<Method>().is_ok() && "plan".parse::<Method>().is_ok());
        assert!("md5".parse::<Method>().is_err());
    }
}
