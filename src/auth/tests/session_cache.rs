//! T6, T18, T19, T21, T23: what the cache may remember, and for whom.

use std::sync::Arc;

use super::*;
use crate::auth::{AuthCache, CacheKey, Lookup, SessionId, SessionKey, SubjectKey, TokenDigest};

fn session(subject: &str) -> SessionId {
    SessionKey::new(b"k").mint("i", subject, at(0)).unwrap()
}

fn key(session: Option<&SessionId>, token: &str) -> CacheKey {
    CacheKey { session: session.cloned(), token: TokenDigest::of(token), generation: 1 }
}

fn subject(name: &str) -> SubjectKey {
    SubjectKey::new("i", name)
}

const END: i64 = 1_000_000;

fn put(cache: &AuthCache<Arc<str>>, token: &str, user: &str) {
    cache.insert(key(None, token), subject(user), user.into(), at(END), at(0));
}

fn hit(user: &str) -> Lookup<Arc<str>> {
    Lookup::Hit(user.into())
}

#[test]
fn t18_only_the_same_token_in_the_same_session_under_the_same_keys_hits() {
    let cache = AuthCache::new();
    let (alice, bob) = (session("alice"), session("bob"));
    let own = key(Some(&alice), "t1");
    cache.insert(own.clone(), subject("alice"), Arc::<str>::from("alice"), at(END), at(0));
    assert_eq!(cache.get(&own, at(1)), hit("alice"));
    let newer = CacheKey { generation: 2, ..own.clone() };
    for other in [key(Some(&bob), "t1"), key(Some(&alice), "t2"), key(None, "t1"), newer] {
        assert_eq!(cache.get(&other, at(1)), Lookup::Miss, "{other:?}");
    }
    assert_eq!((cache.hits(), cache.misses(), cache.len()), (1, 4, 1));
}

#[test]
fn t6_the_end_of_a_token_is_told_from_the_end_of_an_entry() {
    let cache = AuthCache::new();
    let insert = |token: &str, ends, lapses| {
        cache.insert_until(
            key(None, token),
            subject(token),
            Arc::<str>::from(token),
            at(ends),
            at(lapses),
            at(0),
        );
    };
    insert("short", 10, END);
    insert("hour", END, END);
    insert("credentials", END, 300);
    for (token, now, wanted) in [
        ("short", 9, hit("short")),
        ("short", 10, Lookup::Expired),
        ("short", 11, Lookup::Miss),
        ("credentials", 299, hit("credentials")),
        ("credentials", 300, Lookup::Miss),
        ("hour", 3599, hit("hour")),
        ("hour", 3600, Lookup::Miss),
    ] {
        assert_eq!(cache.get(&key(None, token), at(now)), wanted, "{token} {now}");
    }
    assert!(cache.is_empty());
    // Over in both ways: what the client can do something about is said.
    insert("both", 10, 10);
    assert_eq!(cache.get(&key(None, "both"), at(10)), Lookup::Expired);
}

#[test]
fn t23_a_subject_has_16_entries_and_loses_the_least_recently_used() {
    let cache = AuthCache::new();
    put(&cache, "other", "bob");
    for n in 0..16 {
        put(&cache, &format!("t{n}"), "alice");
    }
    assert_eq!(cache.get(&key(None, "t0"), at(1)), hit("alice"));
    put(&cache, "t16", "alice");
    assert_eq!(cache.len(), 17);
    assert_eq!(cache.get(&key(None, "t1"), at(1)), Lookup::Miss);
    for token in ["t0", "t2", "t16"] {
        assert_eq!(cache.get(&key(None, token), at(1)), hit("alice"), "{token}");
    }
    assert_eq!(cache.get(&key(None, "other"), at(1)), hit("bob"));
    // Inserting the same key again takes no further place.
    for _ in 0..40 {
        put(&cache, "t16", "alice");
    }
    assert_eq!(cache.len(), 17);
}

#[test]
fn t23_the_whole_is_bounded_and_loses_the_longest_idle() {
    let cache = AuthCache::with_capacity(100);
    for n in 0..1_000 {
        put(&cache, &format!("t{n}"), &format!("u{n}"));
        assert!(cache.len() <= 100);
        assert_eq!(cache.get(&key(None, "t0"), at(1)), hit("u0"), "in use, so it stays: {n}");
    }
    assert!(cache.len() > 90);
    assert_eq!(cache.get(&key(None, "t999"), at(1)), hit("u999"));
    assert_eq!(cache.get(&key(None, "t500"), at(1)), Lookup::Miss);
}

#[test]
fn what_is_over_is_swept() {
    let cache = AuthCache::new();
    for (token, ends) in [("a", 10), ("b", 20), ("c", 30)] {
        cache.insert(key(None, token), subject("alice"), Arc::<str>::from(token), at(ends), at(0));
    }
    cache.sweep(at(20));
    assert_eq!((cache.len(), cache.get(&key(None, "c"), at(20))), (1, hit("c")));
    cache.sweep(at(30));
    assert!(cache.is_empty());
}

#[test]
fn t21_entries_go_with_their_session_token_subject_or_keys() {
    let (s1, s2) = (session("alice"), session("alice"));
    let fill = || {
        let cache = AuthCache::new();
        for (session, token, user) in
            [(&s1, "t1", "alice"), (&s1, "t2", "alice"), (&s2, "t1", "alice"), (&s2, "t3", "bob")]
        {
            cache.insert(
                key(Some(session), token),
                subject(user),
                Arc::<str>::from(user),
                at(END),
                at(0),
            );
        }
        cache
    };
    type Drop<'a> = &'a dyn Fn(&AuthCache<Arc<str>>);
    let drops: [(Drop, usize); 6] = [
        (&|c| c.drop_session(&s1), 2),
        (&|c| c.drop_token(TokenDigest::of("t1")), 2),
        (&|c| c.drop_subject(&subject("alice")), 1),
        (&|c| c.drop_subject(&subject("carol")), 4),
        (&|c| c.drop_generation_below(2), 0),
        (&|c| c.drop_generation_below(1), 4),
    ];
    for (index, (drop, left)) in drops.iter().enumerate() {
        let cache = fill();
        drop(&cache);
        assert_eq!(cache.len(), *left, "{index}");
    }
}

#[test]
fn the_bounds_hold_under_many_threads() {
    let cache = Arc::new(AuthCache::<Arc<str>>::with_capacity(200));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let cache = Arc::clone(&cache);
            scope.spawn(move || {
                for n in 0..2_000 {
                    let (token, user) =
                        (format!("t{}", (n * 7 + worker) % 500), format!("u{}", n % 20));
                    let owner = format!("{user}/{token}");
                    let found = cache.get(&key(None, &owner), at(1));
                    assert!(matches!(found, Lookup::Miss) || found == hit(&user), "{found:?}");
                    put(&cache, &owner, &user);
                    if n % 97 == 0 {
                        cache.drop_subject(&subject(&user));
                        cache.sweep(at(1));
                    }
                }
            });
        }
    });
    // Once quiet, one more insertion each shows that index and map agree on what there is.
    for n in 0..20 {
        put(&cache, "last", &format!("u{n}"));
    }
    assert!(cache.len() <= 20 * 16 && cache.len() <= 200, "{}", cache.len());
    for n in 0..20 {
        cache.drop_subject(&subject(&format!("u{n}")));
    }
    assert_eq!(cache.len(), 0);
}
