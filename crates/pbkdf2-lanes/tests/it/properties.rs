use pbkdf2::sha2::Sha256;
use pbkdf2_lanes::{Job, Kernel, Plan, derive};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Input {
    password: Vec<u8>,
    salt: Vec<u8>,
    iterations: u32,
    length: usize,
}

impl Input {
    fn expected(&self) -> Vec<u8> {
        let mut output = vec![0; self.length];
        pbkdf2::pbkdf2_hmac::<Sha256>(&self.password, &self.salt, self.iterations, &mut output);
        output
    }
}

/// Returns inputs whose key, message and output can each be shorter or longer than one block.
fn input() -> impl Strategy<Value = Input> {
    let iterations = prop_oneof![0_u32..4, 1_u32..100];
    (vec(any::<u8>(), 0..200), vec(any::<u8>(), 0..200), iterations, 0_usize..100).prop_map(
        |(password, salt, iterations, length)| Input { password, salt, iterations, length },
    )
}

fn derived(inputs: &[Input], plan: &Plan) -> Vec<Vec<u8>> {
    let mut outputs: Vec<_> = inputs.iter().map(|input| vec![0xaa; input.length]).collect();
    let mut jobs: Vec<_> = inputs
        .iter()
        .zip(&mut outputs)
        .map(|(input, output)| Job {
            password: &input.password,
            salt: &input.salt,
            iterations: input.iterations,
            output,
        })
        .collect();
    derive(&mut jobs, plan);
    outputs
}

fn plans() -> Vec<(String, Plan)> {
    let mut plans: Vec<_> = Kernel::available()
        .map(|kernel| (format!("{kernel:?}"), Plan::only(kernel).unwrap()))
        .collect();
    plans.push(("default".to_owned(), Plan::default()));
    plans.push(("single".to_owned(), Plan::single()));
    plans.push(("portable".to_owned(), Plan::portable()));
    plans
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn any_batch_gives_the_same_outputs_as_the_pbkdf2_crate(inputs in vec(input(), 0..20)) {
        let expected: Vec<_> = inputs.iter().map(Input::expected).collect();
        for (name, plan) in plans() {
            prop_assert_eq!(&derived(&inputs, &plan), &expected, "{}", name);
        }
    }
}

#[test]
fn passwords_and_salts_of_any_length_give_the_same_outputs_as_the_pbkdf2_crate() {
    for length in 0..=130 {
        let input = |password, salt| Input {
            password: vec![0x5a; password],
            salt: vec![0xa5; salt],
            iterations: 3,
            length: 32,
        };
        let inputs = [input(length, 16), input(16, length), input(length, length)];
        let expected: Vec<_> = inputs.iter().map(Input::expected).collect();
        for (name, plan) in plans() {
            assert_eq!(derived(&inputs, &plan), expected, "{name}, {length} bytes");
        }
    }
}

#[test]
fn batches_of_any_size_give_the_same_outputs_as_the_pbkdf2_crate() {
    let inputs: Vec<_> = (0..33_u8)
        .map(|n| Input {
            password: vec![n; 10],
            salt: vec![n; 16],
            iterations: 50 + u32::from(n % 3),
            length: 32,
        })
        .collect();
    let expected: Vec<_> = inputs.iter().map(Input::expected).collect();
    for (name, plan) in plans() {
        for count in 1..=inputs.len() {
            assert_eq!(derived(&inputs[..count], &plan), expected[..count], "{name}, {count}");
        }
    }
}
