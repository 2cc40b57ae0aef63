use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use pbkdf2::sha2::Sha256;
use pbkdf2_lanes::{Job, Kernel, Plan, derive};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::{Outcome, answer};

/// How passwords are hashed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// With the `pbkdf2` crate, one after the other: `crate`.
    Crate,
    /// With pbkdf2-lanes as the server does it, by what each kernel costs on this machine:
    /// `plan`.
    Plan,
    /// With one kernel of it: `shani4`, `avx2` and so on.
    Only(Kernel),
}

impl FromStr for Way {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_named = |kernel: &Kernel| format!("{kernel:?}").eq_ignore_ascii_case(name);
        match name {
            "crate" => Ok(Self::Crate),
            "plan" => Ok(Self::Plan),
            _ => {
                Kernel::ALL.into_iter().find(is_named).map(Self::Only).ok_or("there is no such way")
            }
        }
    }
}

/// Hashes so many passwords on one core, and tells how long all of them took: nothing if
/// this machine cannot do it in this way.
pub(crate) fn measure(way: Way, passwords: usize, iterations: u32) -> Outcome<()> {
    let plan = match way {
        Way::Crate => None,
        Way::Plan => Some(Plan::measured(processor_time)),
        Way::Only(kernel) => match Plan::only(kernel) {
            Some(plan) => Some(plan),
            None => return answer(&json!({ "seconds": null })),
        },
    };
    // A core that was idle takes a moment to reach its speed.
    hash(plan.as_ref(), passwords, iterations / 10);
    let began = processor_time();
    hash(plan.as_ref(), passwords, iterations);
    answer(&json!({ "seconds": (processor_time() - began).as_secs_f64() }))
}

/// What this thread has used, so that nothing counts that others did on its core meanwhile.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

const PASSWORD: &[u8] = b"a long walk along the sea";

/// With pbkdf2-lanes if there is a plan for it.
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
    fn what_is_compared_computes_the_same() {
        let expected = hash(None, 3, 10);
        assert_eq!(hash(Some(&Plan::default()), 3, 10), expected);
        assert_ne!(hash(None, 3, 11), expected);
    }

    #[test]
    fn every_kernel_has_a_name() {
        assert!(matches!("shani4".parse(), Ok(Way::Only(Kernel::ShaNi4))));
        assert!("crate".parse::<Way>().is_ok() && "plan".parse::<Way>().is_ok());
        assert!("md5".parse::<Way>().is_err());
    }
}
