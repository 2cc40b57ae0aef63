use std::time::Duration;

use auth_core::{
    Admission, Clock as _, Counter, CounterKey, DeviceKey, DeviceToken, Limit, ManualClock,
    SigningKey, SystemRandom, Timestamp, UserId,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn start() -> Timestamp {
    ManualClock::default().now()
}

fn device_key() -> DeviceKey {
    SigningKey::generate(&SystemRandom).seed().device_key()
}

/// Makes an attempt that fails immediately. If the counter rejects the attempt, returns the time
/// until the next one may begin.
fn fail(counter: &mut Counter, limit: &Limit, now: Timestamp) -> Option<Duration> {
    match counter.judge(limit, now) {
        Admission::Admitted => {
            counter.begin(now);
            let _ = counter.count(limit, now, now);
            None
        }
        Admission::Rejected(remaining) => Some(remaining),
        Admission::Busy => unreachable!("no attempt is pending"),
    }
}

#[test]
fn after_ten_failures_lockouts_double_from_1_to_15_minutes() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let mut now = start();
    for _ in 0..10 {
        assert_eq!(fail(&mut counter, &limit, now), None);
        now += SECOND;
    }
    now -= SECOND;
    for minutes in [1, 2, 4, 8, 15, 15, 15] {
        let lockout = minutes * MINUTE;
        assert_eq!(fail(&mut counter, &limit, now), Some(lockout));
        now += lockout - SECOND;
        assert_eq!(fail(&mut counter, &limit, now), Some(SECOND));
        now += SECOND;
        assert_eq!(fail(&mut counter, &limit, now), None);
    }
    // The counter is reset if no attempt fails for 15 minutes after a lockout.
    now += 30 * MINUTE;
    for _ in 0..10 {
        assert_eq!(fail(&mut counter, &limit, now), None);
    }
    assert_eq!(fail(&mut counter, &limit, now), Some(MINUTE));
}

#[test]
fn after_a_lockout_one_attempt_is_admitted_at_a_time() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let now = start();
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    let later = now + MINUTE;
    assert_eq!(counter.judge(&limit, later), Admission::Admitted);
    counter.begin(later);
    assert_eq!(counter.judge(&limit, later), Admission::Busy);
    counter.reset(&limit, later, later);
    assert_eq!(counter.judge(&limit, later), Admission::Admitted);
}

#[test]
fn a_success_clears_failed_attempts_and_keeps_pending_ones() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let now = start();
    (0..5).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    (0..5).for_each(|_| counter.begin(now));
    assert_eq!(counter.judge(&limit, now), Admission::Busy);
    counter.reset(&limit, now, now);
    (0..6).for_each(|_| {
        assert_eq!(counter.judge(&limit, now), Admission::Admitted);
        counter.begin(now);
    });
    assert_eq!(counter.judge(&limit, now), Admission::Busy);
}

#[test]
fn attempts_of_a_crashed_server_count_as_failed() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let now = start();
    (0..10).for_each(|_| counter.begin(now));
    assert_eq!(counter.judge(&limit, now + 29 * SECOND), Admission::Busy);
    assert_eq!(counter.judge(&limit, now + 30 * SECOND), Admission::Rejected(30 * SECOND));
    // If the server was merely slow, settling an attempt later changes nothing.
    counter.refund(now);
    assert_eq!(counter.judge(&limit, now + MINUTE), Admission::Admitted);
}

#[test]
fn a_success_clears_the_attempts_of_a_crashed_server() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    (0..9).for_each(|_| counter.begin(start()));
    let now = start() + 31 * SECOND;
    counter.begin(now);
    counter.reset(&limit, now, now);
    (0..9).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    assert_eq!(counter.judge(&limit, now), Admission::Admitted);
}

#[test]
fn setting_the_clock_back_does_not_lengthen_a_lockout() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let future = start() + Duration::from_hours(24 * 365);
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, future), None));
    assert_eq!(fail(&mut counter, &limit, start()), Some(MINUTE));
    assert_eq!(fail(&mut counter, &limit, start() + MINUTE), None);
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_IP);
    (0..30).for_each(|_| assert_eq!(fail(&mut counter, &limit, future), None));
    assert_eq!(fail(&mut counter, &limit, start()), Some(15 * MINUTE));
}

/// One step in a schedule of attempts.
#[derive(Debug, Clone)]
enum Step {
    /// This many milliseconds pass.
    Wait(u64),
    Begin,
    Fail,
    Refund,
    Succeed,
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop_oneof![0..5_000_u64, 50_000..70_000_u64, 0..2_000_000_u64].prop_map(Step::Wait),
        12 => Just(Step::Begin),
        9 => Just(Step::Fail),
        1 => Just(Step::Refund),
        1 => Just(Step::Succeed),
    ];
    proptest::collection::vec(step, 0..200)
}

/// A simple implementation of the rules of `Counter`. It keeps attempts that no longer count.
#[derive(Default)]
struct Model {
    /// The failures since the last success.
    failed: Vec<Timestamp>,
    /// The start and the length of each lockout since the last success.
    lockouts: Vec<(Timestamp, Duration)>,
    /// When the pending attempts began.
    pending: Vec<Timestamp>,
}

impl Model {
    fn in_window(&self, limit: &Limit, now: Timestamp) -> usize {
        self.failed.iter().filter(|at| now < **at + limit.window()).count()
    }

    /// Returns `true` if the last lockout still has an effect.
    fn is_on_probation(&self, limit: &Limit, now: Timestamp) -> bool {
        self.lockouts.last().is_some_and(|(start, length)| now < *start + *length + limit.window())
    }

    fn judge(&self, limit: &Limit, now: Timestamp) -> Admission {
        if let Some((start, length)) = self.lockouts.last()
            && now < *start + *length
        {
            return Admission::Rejected((*start + *length).duration_since(now).unsigned_abs());
        }
        let failed = self.in_window(limit, now);
        let (attempts, max_attempts) = match self.is_on_probation(limit, now) {
            true => (self.pending.len(), 1),
            false => (failed + self.pending.len(), limit.max_attempts()),
        };
        match attempts < max_attempts {
            true => Admission::Admitted,
            false if !self.pending.is_empty() => Admission::Busy,
            false => {
                let oldest = self.failed[self.failed.len() - max_attempts];
                let end = oldest + limit.window();
                Admission::Rejected(end.duration_since(now).unsigned_abs())
            }
        }
    }

    fn fail(&mut self, limit: &Limit, now: Timestamp) {
        self.failed.push(now);
        let on_probation = self.is_on_probation(limit, now);
        if !limit.has_lockout()
            || (!on_probation && self.in_window(limit, now) < limit.max_attempts())
        {
            return;
        }
        let length = match self.lockouts.last() {
            Some((_, previous)) if on_probation => (2 * *previous).min(15 * MINUTE),
            _ => MINUTE,
        };
        self.lockouts.push((now, length));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_counter_agrees_with_a_model_on_every_schedule(
        steps in schedule(),
        limit in prop_oneof![
            Just(Limit::SIGN_INS_PER_ACCOUNT),
            Just(Limit::SIGN_INS_PER_IP),
            Just(Limit::SIGN_UPS_PER_IP),
        ],
    ) {
        let (mut counter, mut model, mut now) = (Counter::default(), Model::default(), start());
        for step in steps {
            let before = counter.clone();
            let admission = counter.judge(&limit, now);
            prop_assert_eq!(admission, model.judge(&limit, now));
            match step {
                // An attempt that is pending for more than 30 seconds would count as failed.
                Step::Wait(_) if !model.pending.is_empty() => now += Duration::from_millis(100),
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Begin if admission == Admission::Admitted => {
                    counter.begin(now);
                    model.pending.push(now);
                }
                // A rejected attempt changes nothing.
                Step::Begin => prop_assert_eq!(counter.clone().judge(&limit, now), before.clone().judge(&limit, now)),
                Step::Fail => if let Some(began) = model.pending.pop() {
                    let _ = counter.count(&limit, began, now);
                    model.fail(&limit, now);
                },
                Step::Refund => if let Some(began) = model.pending.pop() {
                    counter.refund(began);
                },
                Step::Succeed => if let Some(began) = model.pending.pop() {
                    counter.reset(&limit, began, now);
                    model = Model { pending: model.pending, ..Model::default() };
                },
            }
            // A counter can be stored and loaded at any time, and can be deleted once it has ended.
            counter = serde_json::from_str(&serde_json::to_string(&counter).unwrap()).unwrap();
            let end = counter.ends(&limit);
            for later in [end, end + SECOND] {
                let mut ended = counter.clone();
                prop_assert_eq!(ended.judge(&limit, later), Admission::Admitted);
                prop_assert_eq!(ended, Counter::default());
            }
        }
    }
}

proptest! {
    /// The clocks of servers differ, so attempts are not always stored in the order of their times.
    #[test]
    fn attempts_that_are_stored_out_of_order_are_all_settled(
        times in proptest::collection::vec(0..3_000_u64, 10),
        end in 0..3_000_u64,
    ) {
        let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
        let times = times.into_iter().map(|millis| start() + Duration::from_millis(millis));
        let times: Vec<_> = times.collect();
        for began in &times {
            prop_assert_eq!(counter.judge(&limit, *began), Admission::Admitted);
            counter.begin(*began);
        }
        let end = start() + Duration::from_millis(end);
        prop_assert_eq!(counter.judge(&limit, end), Admission::Busy);
        times.iter().for_each(|began| counter.refund(*began));
        prop_assert_eq!(counter, Counter::default());
    }
}

/// Servers of different versions that share a store must be able to read each other's counters.
#[test]
fn the_stored_form_of_a_counter_is_stable() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT);
    let now = Timestamp::UNIX_EPOCH;
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    counter.begin(now);
    let expected = r#"{"failed":[0,0,0,0,0,0,0,0,0,0],"pending":[0],"waits":1,"until":60000}"#;
    assert_eq!(serde_json::to_string(&counter).unwrap(), expected);
}

#[test]
fn the_key_of_an_invalid_email_address_contains_only_16_bits_of_its_hash() {
    let key = CounterKey::sign_ins_by_account("hunter2 typed here");
    assert!(key.as_bytes()[2..].iter().all(|byte| *byte == 0));
}

#[test]
fn each_kind_of_attempt_has_its_own_counter() {
    let ada = UserId::generate(start(), &SystemRandom);
    let key = device_key();
    let device = || key.verify(ada, 0, &key.issue(ada, 0, &SystemRandom)).unwrap();
    let ip = "192.0.2.1".parse().unwrap();
    let all = [
        CounterKey::sign_ins_by_account("ada@example.com"),
        CounterKey::sign_ins_by_account("grace@example.com"),
        CounterKey::sign_ins_by_account("not an email"),
        CounterKey::sign_ins_by_account(""),
        CounterKey::sign_ins_by_device(ada, &device()),
        CounterKey::sign_ins_by_device(ada, &device()),
        CounterKey::sign_ins_by_ip(ip),
        CounterKey::sign_ups_by_ip(ip),
    ];
    for (n, one) in all.iter().enumerate() {
        assert!(all[..n].iter().all(|other| other != one), "{n}");
    }
}

#[test]
fn all_spellings_of_an_email_or_ip_share_one_counter() {
    for (one, other) in
        [(" Ada@Bücher.example", "ADA@xn--bcher-kva.example "), ("not an email", " not an email\t")]
    {
        assert_eq!(CounterKey::sign_ins_by_account(one), CounterKey::sign_ins_by_account(other));
    }
    let from = |ip: &str| CounterKey::sign_ins_by_ip(ip.parse().unwrap());
    assert_eq!(from("2001:db8::1"), from("2001:db8::ffff:1"));
    assert_eq!(from("192.0.2.1"), from("::ffff:192.0.2.1"));
    assert_ne!(from("2001:db8::1"), from("2001:db8:0:1::1"));
    assert_ne!(from("192.0.2.1"), from("192.0.2.2"));
}

#[test]
fn a_device_token_has_one_spelling_and_cannot_be_altered() {
    let (key, ada) = (device_key(), UserId::generate(start(), &SystemRandom));
    let text = key.issue(ada, 0, &SystemRandom).to_text();
    let id = key.verify(ada, 0, &DeviceToken::parse(&text).unwrap()).unwrap();
    assert_eq!(key.verify(ada, 0, &DeviceToken::parse(&text).unwrap()), Some(id));
    for wrong in ["", "a", &text[1..], &format!("{}=", *text), &format!("{}A", *text)] {
        assert!(DeviceToken::parse(wrong).is_err(), "{wrong}");
    }
    // A token with any character changed is invalid.
    for index in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let other = DeviceToken::parse(std::str::from_utf8(&bytes).unwrap());
        assert!(other.is_err() || key.verify(ada, 0, &other.unwrap()).is_none(), "{index}");
    }
}

#[test]
fn debug_output_of_device_keys_and_tokens_contains_no_secret() {
    let key = device_key();
    let token = key.issue(UserId::generate(start(), &SystemRandom), 0, &SystemRandom);
    assert_eq!(format!("{key:?} {token:?}"), "DeviceKey(…) DeviceToken(…)");
}
