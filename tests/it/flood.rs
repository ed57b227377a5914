//! A million distinct tokens, each valid and of another user: the worst that a holder of the shared
//! secret can do to the server's memory. `scripts/test` runs it in a process of its own, so that nobody
//! else's memory counts.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quilt_mcp_server::{
    ambient::{Ambient, http_client},
    auth, boot,
    config::Config,
    demo::{World, running},
    runtime::Clock,
    tools,
};

const TOKENS: usize = 1_000_000;
/// By then every cache is full.
const WARM: usize = 50_000;
/// What 950,000 more tokens may add. Kept whole they would take gigabytes, and as their subjects
/// alone some 100 MiB.
const GROWTH_MIB: usize = 48;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and a process of its own: scripts/test runs it"]
async fn a_flood_of_a_million_distinct_tokens_leaves_memory_bounded() {
    let world = World::start().await.unwrap();
    let (config, _) = Config::from_vars(running::variables(&world, 0)).unwrap();
    let keys = aws_credential_types::Credentials::for_tests();
    let ambient = Ambient::with_credentials(&config, http_client(), keys);
    let app = boot::build_with(&config, ambient, Clock::system(), tools::ALL).await.unwrap();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let claims = world.enhanced_claims(&world.users()[0], now, 3600);
    let subject = claims["sub"].to_string();
    // Signed here, by hand: the server's own minting would take half of the time.
    let key = hmac::Key::new(hmac::HMAC_SHA256, world.jwt_secret().as_bytes());
    let flood = Arc::new((claims.to_string(), subject, key));
    let (mut from, mut before) = (0, 0);
    for until in [WARM, TOKENS] {
        let halves = [from..(from + until) / 2, (from + until) / 2..until];
        let floods = halves.map(|numbers| {
            let (gate, flood) = (app.gate.clone(), flood.clone());
            tokio::spawn(async move {
                for number in numbers {
                    let token = token(&flood, number);
                    let header = http::HeaderValue::try_from(format!("Bearer {token}")).unwrap();
                    let mut headers = http::HeaderMap::new();
                    headers.insert(http::header::AUTHORIZATION, header);
                    let token = auth::bearer(headers.get_all(http::header::AUTHORIZATION)).unwrap();
                    let (caller, _) = gate.authenticator.authenticate(&token, None).await.unwrap();
                    drop(gate.shares.of(caller.principal.subject_key()).await);
                }
            })
        });
        for flood in floods {
            flood.await.unwrap();
        }
        println!(
            "{until} tokens, {} MiB, {} kept",
            resident_mib(),
            app.gate.authenticator.cache.len()
        );
        assert!(app.gate.authenticator.cache.len() <= 10_000);
        (from, before) = (until, if from == 0 { resident_mib() } else { before });
    }
    let growth = resident_mib().saturating_sub(before);
    assert!(growth < GROWTH_MIB, "{growth} MiB more");
}

/// An enhanced token of the user of this number.
fn token((claims, subject, key): &(String, String, hmac::Key), number: usize) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"frontend-enhanced","typ":"JWT"}"#);
    let claims = claims.replace(subject.as_str(), &format!(r#""user-{number}""#));
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Resident memory of this process (proc(5): the second field, in pages of 4 KiB).
fn resident_mib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() / 256
}
