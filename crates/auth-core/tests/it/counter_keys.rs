use auth_core::{
    Clock as _, CounterKey, DeviceId, KnownBrowser, ManualClock, Network, SystemRandom, Timestamp,
    UserId,
};

fn start() -> Timestamp {
    ManualClock::default().now()
}

fn browser() -> KnownBrowser {
    KnownBrowser {
        user: UserId::generate(start(), &SystemRandom),
        version: 7,
        device: DeviceId::generate(&SystemRandom),
    }
}

#[test]
fn the_keys_of_an_invalid_email_address_contain_only_16_bits_of_its_hash() {
    let typed = ["hunter2 typed here", "another password"];
    let network = Network::of(Some([192, 0, 2, 1].into()));
    let keys = typed.map(|typed| {
        [
            CounterKey::sign_ins_by_account(typed),
            CounterKey::sign_ins_by_account_and_network(typed, network),
        ]
    });
    for (one, other) in keys[0].iter().zip(&keys[1]) {
        assert!(one.as_bytes()[2..16].iter().all(|byte| *byte == 0));
        assert_ne!(one.as_bytes()[..2], other.as_bytes()[..2]);
        assert_eq!(one.as_bytes()[16..], other.as_bytes()[16..], "it does not depend on the text");
    }
}

/// Returns one key of each kind for this email address.
fn keys_of_account(email: &str) -> Vec<CounterKey> {
    let network = Network::of(Some("2001:db8::1".parse().unwrap()));
    vec![
        CounterKey::sign_ins_by_account(email),
        CounterKey::sign_ins_by_account_and_network(email, network),
        CounterKey::sign_ins_by_account_and_network(email, network.site().unwrap()),
        CounterKey::sign_ins_by_account_and_network(email, Network::of(Some([1; 4].into()))),
        CounterKey::sign_ins_by_account_and_network(email, Network::of(None)),
        CounterKey::sign_ins_by_browser(email, &browser()),
        CounterKey::sign_ins_by_browser(email, &browser()),
    ]
}

#[test]
fn each_kind_of_attempt_has_its_own_counter() {
    let network = Network::of(Some("2001:db8::1".parse().unwrap()));
    let mut all = Vec::new();
    for email in ["ada@example.com", "grace@example.com", "not an email", ""] {
        all.extend(keys_of_account(email));
    }
    for network in [network, network.site().unwrap(), Network::of(None)] {
        all.push(CounterKey::sign_ins_by_network(network));
        all.push(CounterKey::sign_ups_by_network(network));
    }
    for (n, one) in all.iter().enumerate() {
        assert!(all[..n].iter().all(|other| other != one), "{n}");
        assert_eq!(CounterKey::from_bytes(*one.as_bytes()), *one);
    }
}

#[test]
fn the_range_of_an_account_contains_its_counters_and_no_others() {
    let network = Network::of(Some([192, 0, 2, 1].into()));
    for email in ["ada@example.com", "not an email"] {
        let range = CounterKey::range_of_account(email);
        assert!(keys_of_account(email).iter().all(|key| range.contains(key)), "{email}");
        let others = [
            keys_of_account("grace@example.com"),
            keys_of_account("nor is this one"),
            vec![
                CounterKey::sign_ins_by_network(network),
                CounterKey::sign_ups_by_network(network),
            ],
        ];
        assert!(others.iter().flatten().all(|key| !range.contains(key)), "{email}");
    }
}

#[test]
fn all_spellings_of_an_email_or_ip_share_one_counter() {
    for (one, other) in
        [(" Ada@Bücher.example", "ADA@xn--bcher-kva.example "), ("not an email", " not an email\t")]
    {
        assert_eq!(CounterKey::sign_ins_by_account(one), CounterKey::sign_ins_by_account(other));
    }
    let network = |ip: &str| Network::of(Some(ip.parse().unwrap()));
    assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
    assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
    assert_eq!(network("192.0.2.1"), network("64:ff9b::192.0.2.1"));
    assert_ne!(network("64:ff9b::192.0.2.1"), network("64:ff9b::192.0.2.2"));
    assert_ne!(network("192.0.2.1"), network("64:ff9b:1::192.0.2.1"));
    assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    assert_eq!(network("2001:db8::1").site(), network("2001:db8:0:ffff::1").site());
    assert_ne!(network("2001:db8::1").site(), network("2001:db8:1::1").site());
    assert_eq!((network("192.0.2.1").site(), Network::of(None).site()), (None, None));
}
