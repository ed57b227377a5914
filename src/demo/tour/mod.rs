//! The guided tour: what a user sees, what must fail, and how to connect.

mod catalog;
mod packages;
mod queries;

use serde_json::{Value, json};

use super::{
    Running, User,
    client::{Answer, Client},
    running::StartError,
};

/// Takes the tour and prints it; `true` where everything went as it must.
///
/// # Errors
/// Where a step could not even be tried.
pub async fn take(running: &Running, out: &mut dyn std::io::Write) -> Result<bool, StartError> {
    let [alice, bob] = running.world.users() else { return Err("two users expected".into()) };
    let mut tour = Tour { out, steps: 0, failures: 0 };
    tour.introduce(running)?;
    what_works(&mut tour, running, alice).await?;
    what_must_fail(&mut tour, running, alice, bob).await?;
    tour.conclude()
}

struct Tour<'a> {
    out: &'a mut dyn std::io::Write,
    steps: usize,
    failures: usize,
}

/// The first bucket that only this user has.
fn own_bucket<'a>(user: &'a User, other: &User) -> Result<&'a str, StartError> {
    let own = user.buckets.keys().find(|bucket| !other.buckets.contains_key(*bucket));
    own.map(String::as_str).ok_or_else(|| "each user has a bucket of his own".into())
}

async fn what_works(
    tour: &mut Tour<'_>,
    running: &Running,
    alice: &User,
) -> Result<(), StartError> {
    tour.heading("What works: alice, with the token that the catalog's front end sends")?;
    let mut client = Client::new(running.mcp_url()).with_token(running.enhanced_token(alice)?);

    let hello = client.initialize().await?;
    let version = text(&hello.body, "/result/protocolVersion");
    let session = if client.session().is_some() { "a signed session id" } else { "no session id" };
    tour.works("initialize", &hello, &format!("protocol {version}, {session}"))?;

    let tools = client.request("tools/list", json!({})).await?;
    let listed = names(&tools.body, "/result/tools");
    let first: Vec<&str> = listed.iter().take(5).map(String::as_str).collect();
    tour.works("tools/list", &tools, &format!("{} tools: {}, …", listed.len(), first.join(", ")))?;

    let who = client.call("auth_status", json!({})).await?;
    let source = text(who.structured(), "/credentials/source");
    let role = text(who.structured(), "/credentials/role");
    tour.works("auth_status", &who, &format!("credentials: {source} {role}"))?;

    let buckets = client.call("bucket_list", json!({})).await?;
    let listed = names(buckets.structured(), "/buckets");
    tour.works("bucket_list", &buckets, &listed.join(", "))?;

    let bucket = listed.first().ok_or("alice has a bucket")?;
    let folder =
        client.call("bucket_objects_list", json!({"bucket": bucket, "delimiter": "/"})).await?;
    let objects = entries(folder.structured(), "/objects", "key");
    let folders = strings(folder.structured(), "/folders");
    tour.works("bucket_objects_list", &folder, &[objects, folders].concat().join(", "))?;

    let uri = entries(folder.structured(), "/objects", "s3_uri");
    let readme = uri.iter().find(|u| u.ends_with(".md")).ok_or("there is a README")?;
    let read =
        client.call("bucket_object_text", json!({"s3_uri": readme, "max_bytes": 2000})).await?;
    let first = text(read.structured(), "/text");
    let line = first.lines().next().unwrap_or_default();
    tour.works("bucket_object_text", &read, &format!("{readme} begins {line:?}"))?;

    writes_and_reads(tour, &client, bucket).await?;
    packages::packages(tour, &client, bucket).await?;
    queries::queries(tour, &client, bucket).await?;

    let shared = listed.last().ok_or("alice has a second bucket")?;
    elsewhere(tour, running, &client, shared).await?;

    tour.heading("The same user with her catalog token: the catalog and AWS decide")?;
    let client = client.with_token(alice.catalog_token.clone());
    let buckets = client.call("bucket_list", json!({})).await?;
    tour.works("bucket_list", &buckets, &names(buckets.structured(), "/buckets").join(", "))?;
    let read =
        client.call("bucket_object_text", json!({"s3_uri": readme, "max_bytes": 2000})).await?;
    tour.works("bucket_object_text", &read, "the same object, with keys from the registry")?;
    catalog::catalog(tour, &client, bucket).await?;
    catalog::roles(tour, running, &client, alice).await
}

/// Writes, describes, reads, links: the address of each step comes from the answer before.
async fn elsewhere(
    tour: &mut Tour<'_>,
    running: &Running,
    client: &Client,
    bucket: &str,
) -> Result<(), StartError> {
    running.world.store().set_region(bucket, "eu-central-1");
    let moved = client.call("bucket_access_check", json!({"bucket": bucket})).await?;
    let region = text(moved.structured(), "/region");
    tour.works("a bucket in another region", &moved, &format!("{bucket} found in {region}"))
}

async fn writes_and_reads(
    tour: &mut Tour<'_>,
    client: &Client,
    bucket: &str,
) -> Result<(), StartError> {
    let items = json!([
        {"key": "tour/50% done?.txt", "text": "37 °C\n", "metadata": {"author": "Zoë"}},
        {"key": "tour/broken", "data": "this is not base64"},
    ]);
    let put = client.call("bucket_objects_put", json!({"bucket": bucket, "items": items})).await?;
    let uri = text(put.structured(), "/results/0/s3_uri");
    let refused = text(put.structured(), "/results/1/error/why");
    tour.works("bucket_objects_put", &put, &format!("{uri}; the second: {refused}"))?;

    let info = client.call("bucket_object_info", json!({"s3_uri": uri})).await?;
    let author = text(info.structured(), "/metadata/author");
    let kind = text(info.structured(), "/content_type");
    tour.works("bucket_object_info", &info, &format!("{kind}, by {author}"))?;

    let picture = json!({"s3_uri": format!("s3://{bucket}/images/gel-01.png")});
    let picture = client.call("bucket_object_fetch", picture).await?;
    let kind = text(&picture.body, "/result/content/1/mimeType");
    tour.works("bucket_object_fetch", &picture, &format!("images/gel-01.png as {kind}"))?;

    let link = json!({"s3_uri": uri, "expiration": 60});
    let link = client.call("bucket_object_link", link).await?;
    let url = text(link.structured(), "/presigned_url");
    // Proxies of the environment have no business on loopback.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let body = http.get(url).send().await?.text().await?;
    let ends = text(link.structured(), "/expires_at");
    tour.works("bucket_object_link", &link, &format!("downloads {body:?} until {ends}"))?;

    let check = client.call("bucket_access_check", json!({"bucket": bucket})).await?;
    let said = entries(check.structured(), "/operations", "access");
    tour.works("bucket_access_check", &check, &format!("list, read, write: {}", said.join(", ")))
}

async fn what_must_fail(
    tour: &mut Tour<'_>,
    running: &Running,
    alice: &User,
    bob: &User,
) -> Result<(), StartError> {
    tour.heading("What must fail, and does")?;
    let nobody = Client::new(running.mcp_url());
    let alices = nobody.with_token(running.enhanced_token(alice)?);
    let foreign = own_bucket(bob, alice)?;

    let answer = nobody.request("tools/list", json!({})).await?;
    tour.fails("no token", &answer, "missing_authorization")?;

    let list = json!({"bucket": foreign});
    let answer = alices.call("bucket_objects_list", list.clone()).await?;
    tour.fails(&format!("bob's {foreign}, asked by alice"), &answer, "bucket_not_granted")?;

    let link = json!({"s3_uri": format!("s3://{foreign}/README.md")});
    let answer = alices.call("bucket_object_link", link).await?;
    tour.fails("a link into it", &answer, "bucket_not_granted")?;
    queries::refused(tour, &alices, foreign).await?;

    // Everybody with a browser knows the secret of enhanced tokens, so alice can write bob's
    // bucket into her own. The server believes it, and S3 does not: her role has no such right.
    let now = running.clock.now().as_second().unsigned_abs();
    let mut claims = running.world.enhanced_claims(alice, now, 600);
    forge(&mut claims, foreign);
    let forger = nobody.with_token(running.sign(&claims)?);
    let answer = forger.call("bucket_objects_list", list.clone()).await?;
    tour.fails("a forged claim on it (S3 itself refuses)", &answer, "aws_access_denied")?;

    let answer =
        nobody.with_token(alice.catalog_token.clone()).call("bucket_objects_list", list).await?;
    tour.fails("her catalog token on it (S3 refuses)", &answer, "aws_access_denied")?;

    let mut claims = running.world.enhanced_claims(alice, now, 600);
    set(&mut claims, "iat", json!(now - 7200));
    set(&mut claims, "exp", json!(now - 3600));
    let expired = nobody.with_token(running.sign(&claims)?);
    let answer = expired.request("tools/list", json!({})).await?;
    tour.fails("an expired token", &answer, "token_expired")?;

    let mut token = running.enhanced_token(alice)?;
    let swap = if token.ends_with('A') { "E" } else { "A" };
    token.replace_range(token.len() - 1.., swap);
    let answer = nobody.with_token(token).request("tools/list", json!({})).await?;
    tour.fails("a token with another signature", &answer, "invalid_token")?;

    let mut session = alices.clone();
    session.initialize().await?;
    let id = session.session().ok_or("a legacy client with a token gets a session id")?;
    let bobs = nobody.with_token(running.enhanced_token(bob)?).with_session(id);
    let answer = bobs.request("tools/list", json!({})).await?;
    tour.fails("bob's token on alice's session", &answer, "unknown_session")
}

/// Adds a bucket to every claim that lists buckets.
fn forge(claims: &mut Value, bucket: &str) {
    for name in ["b", "buckets"] {
        if let Some(list) = claims.get_mut(name).and_then(Value::as_array_mut) {
            list.push(json!(bucket));
        }
    }
}

fn set(claims: &mut Value, name: &str, value: Value) {
    if let Some(claims) = claims.as_object_mut() {
        claims.insert(name.to_owned(), value);
    }
}

impl Tour<'_> {
    fn introduce(&mut self, running: &Running) -> std::io::Result<()> {
        let world = &running.world;
        writeln!(self.out, "quilt-mcp-server demo: everything in this process, on loopback\n")?;
        for (name, url, what) in [
            ("S3", world.s3_url(), "checks signatures, session tokens, expiry and policies"),
            ("STS", world.sts_url(), "narrows a role by the session policy it is given"),
            ("Athena", world.athena_url(), "reads tables over S3 as who asks, in SQLite's dialect"),
            ("registry", world.registry_url(), "knows the catalog's tokens and their AWS keys"),
            ("catalog", world.catalog_url(), "tells where its registry is"),
            ("MCP", &running.mcp_url(), "the server, configured as in production"),
        ] {
            writeln!(self.out, "  {name:<9} {url:<28} {what}")?;
        }
        Ok(())
    }

    fn heading(&mut self, text: &str) -> Result<(), StartError> {
        Ok(writeln!(self.out, "\n{text}")?)
    }

    fn works(&mut self, step: &str, answer: &Answer, shown: &str) -> Result<(), StartError> {
        let outcome = match answer.is_ok() {
            true => shown.to_owned(),
            false => format!("HTTP {}: {}", answer.status, answer.body),
        };
        self.step(answer.is_ok(), step, &outcome)
    }

    fn fails(&mut self, step: &str, answer: &Answer, wanted: &str) -> Result<(), StartError> {
        let code = answer.code().unwrap_or_else(|| "no refusal".to_owned());
        let outcome = match code == wanted {
            true => format!("HTTP {} {code}", answer.status),
            false => format!("HTTP {} {code}, but {wanted} was due", answer.status),
        };
        self.step(code == wanted, step, &outcome)
    }

    fn step(&mut self, good: bool, step: &str, outcome: &str) -> Result<(), StartError> {
        self.steps += 1;
        self.failures += usize::from(!good);
        let mark = if good { '✓' } else { '✗' };
        Ok(writeln!(self.out, "  {mark} {step:<42} {outcome}")?)
    }

    fn conclude(self) -> Result<bool, StartError> {
        let Self { out, steps, failures } = self;
        match failures {
            0 => writeln!(out, "\n{steps} steps, all as they must be.")?,
            n => writeln!(out, "\n{n} of {steps} steps went wrong.")?,
        }
        Ok(failures == 0)
    }
}

/// Prints how to connect a client of one's own.
///
/// # Errors
/// Where signing or printing fails.
pub fn invite(running: &Running, out: &mut dyn std::io::Write) -> Result<(), StartError> {
    let url = running.mcp_url();
    let [alice, ..] = running.world.users() else { return Err("a user expected".into()) };
    let token = running.enhanced_token(alice)?;
    let config = json!({"mcpServers": {"quilt": {
        "type": "http", "url": url, "headers": {"Authorization": format!("Bearer {token}")},
    }}});
    writeln!(
        out,
        "\nTry it yourself, as alice (the token is good for 24 hours, for this demo only):\n\n\
         TOKEN={token}\n\
         curl -s {url} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n  \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\
         \"params\":{{\"name\":\"bucket_list\",\"arguments\":{{}}}}}}'\n\n\
         Configuration for an MCP client:\n\n{config:#}\n"
    )?;
    Ok(())
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn names(value: &Value, pointer: &str) -> Vec<String> {
    entries(value, pointer, "name")
}

fn entries(value: &Value, pointer: &str, field: &str) -> Vec<String> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    let of = |entry: &Value| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    list.map(|list| list.iter().filter_map(of).collect()).unwrap_or_default()
}

fn strings(value: &Value, pointer: &str) -> Vec<String> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    let of = |entry: &Value| entry.as_str().map(str::to_owned);
    list.map(|list| list.iter().filter_map(of).collect()).unwrap_or_default()
}
