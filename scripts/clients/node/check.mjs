// Drives the server with the public TypeScript client, the npm package `@modelcontextprotocol/sdk`.
//
// Reads from stdin the line that `quilt-mcp-server demo --json` prints. Does what an agent would
// do, as both users, with both kinds of token. This library knows the `initialize` handshake only.
// It validates every answer against the tool's output schema by itself.
//
// Prints one line per group; ends with 1 if one failed. What the library complains about on the way
// (its `onerror`, the console, Node's warnings) counts as a failure too.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const PROTOCOL = '2025-11-25';
// The catalogue, as it is committed. Every user of the demo may call what is for his kind of token; none of them
// administers the catalog.
const CATALOGUE = readdirSync('tests/golden')
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(`tests/golden/${name}`, 'utf8')));
const SHOWN = { enhanced: ['stranger'], catalog: ['stranger', 'user'] };
const WRITES = CATALOGUE.filter((tool) => !tool.readOnly).map((tool) => tool.name);
const FOREIGN_BUCKET = { enhanced: 'bucket_not_granted', catalog: 'aws_access_denied' };
const INVALID_PARAMS = -32602;

const complaints = [];
process.on('warning', (warning) => complaints.push(`warning: ${warning}`));
for (const level of ['warn', 'error']) {
  console[level] = (...words) => complaints.push(`console.${level}: ${words.join(' ')}`);
}

/** A connected client and its transport, which notes its HTTP exchanges as "METHOD status". */
async function connect(url, token, exchanges) {
  const noting = async (where, init) => {
    const response = await fetch(where, init);
    exchanges.push(`${init.method} ${response.status}`);
    return response;
  };
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const options = { requestInit: { headers }, fetch: noting };
  const transport = new StreamableHTTPClientTransport(new URL(url), options);
  const client = new Client({ name: 'client-check', version: '1.0.0' });
  client.onerror = (error) => complaints.push(`onerror: ${error}`);
  await client.connect(transport);
  return { client, transport };
}

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result.structuredContent)}`);
  return result.structuredContent;
}

async function checkSession(url, user, other, family) {
  const token = user[`${family}_token`];
  const exchanges = [];
  const { client, transport } = await connect(url, token, exchanges);
  assert.equal(transport.protocolVersion, PROTOCOL);
  assert.equal(client.getServerVersion().name, 'quilt-mcp-server');
  await checkTools(client, family);
  await checkIdentity(client, token, family);
  await checkBuckets(client, user);
  await checkCatalog(client, user, family);
  await checkRefusals(client, user, other, family);
  await transport.terminateSession();
  await client.close();
  assert.equal(exchanges.at(-1), 'DELETE 204');
}

async function checkTools(client, family) {
  const { tools } = await client.listTools();
  const shown = CATALOGUE.filter((tool) => SHOWN[family].includes(tool.standing));
  assert.deepEqual(tools.map((tool) => tool.name).sort(), shown.map((tool) => tool.name).sort());
  for (const tool of tools) {
    assert.ok(tool.outputSchema, `${tool.name} has an output schema`);
    const readOnly = !WRITES.includes(tool.name);
    assert.equal(tool.annotations.readOnlyHint, readOnly, `${tool.name}: readOnlyHint`);
  }
}

async function checkIdentity(client, token, family) {
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const who = await call(client, 'auth_status');
  assert.equal(who.subject, claims.id);
  assert.equal(who.family, family);
}

/** The catalog for its own tokens; one bucket's names and links for the others. */
async function checkCatalog(client, user, family) {
  const bucket = Object.keys(user.buckets).sort()[0];
  const found = await call(client, 'bucket_objects_search', { bucket, query: '*.csv' });
  assert.equal(found.objects.backend, { enhanced: 's3_listing', catalog: 'graphql' }[family]);
  await call(client, 'catalog_url', { bucket });
  if (family === 'catalog') {
    const all = await call(client, 'unified_search', { query: 'csv files larger than 10 bytes' });
    assert.ok(all.objects.total > 0);
    const role = await call(client, 'get_current_quilt_role');
    assert.ok(role.roles.includes(role.role));
  } else {
    const refused = await client.callTool({ name: 'unified_search', arguments: { query: 'csv' } });
    assert.equal(refused.structuredContent.code, 'catalog_token_required');
  }
}

async function checkBuckets(client, user) {
  const listed = await call(client, 'bucket_list');
  assert.deepEqual(listed.buckets.map((bucket) => bucket.name), Object.keys(user.buckets).sort());
  for (const bucket of Object.keys(user.buckets)) {
    const objects = await listObjects(client, bucket);
    const read = await call(client, 'bucket_object_text', { s3_uri: objects.get('README.md') });
    assert.ok(read.text.includes(`s3://${bucket}/protocols/`), `the README of ${bucket}`);
  }
  await checkObjects(client, Object.keys(user.buckets).find((name) => user.buckets[name] === 'write'));
}

/** Results of every shape: the library checks them against the output schemas. */
async function checkObjects(client, bucket) {
  const items = [{ key: 'clients/100% js.txt', text: '37 °C' }, { key: 'clients/broken', data: '?' }];
  const put = await call(client, 'bucket_objects_put', { bucket, items });
  assert.deepEqual([put.uploaded, put.failed], [1, 1]);
  const { s3_uri } = put.results[0];
  assert.equal((await call(client, 'bucket_object_info', { s3_uri })).size, 6);
  const link = await call(client, 'bucket_object_link', { s3_uri, expiration: 60 });
  assert.equal(await (await fetch(link.presigned_url)).text(), '37 °C');
  const nothing = { bucket, items: items.slice(1) };
  const failed = await client.callTool({ name: 'bucket_objects_put', arguments: nothing });
  assert.deepEqual([failed.isError, failed.structuredContent.failed], [true, 1]);
  const picture = { s3_uri: `s3://${bucket}/images/gel-01.png` };
  const shown = await client.callTool({ name: 'bucket_object_fetch', arguments: picture });
  assert.equal(shown.content[1].mimeType, 'image/png');
  const check = await call(client, 'bucket_access_check', { bucket });
  assert.deepEqual(check.operations.map(({ access }) => access), Array(3).fill('allowed'));
}

/** Key and URI of every object, page by page. */
async function listObjects(client, bucket) {
  const objects = new Map();
  let pages = 0;
  let next;
  do {
    const more = next ? { continuation_token: next } : {};
    const page = await call(client, 'bucket_objects_list', { bucket, max_keys: 20, ...more });
    pages += 1;
    for (const { key, s3_uri } of page.objects) {
      assert.ok(!objects.has(key), `${key} is listed twice`);
      objects.set(key, s3_uri);
    }
    next = page.next_token;
    assert.equal(next !== undefined, page.truncated, 'next_token and truncated agree');
  } while (next);
  assert.ok(pages > 1, `${bucket} has several pages`);
  return objects;
}

async function checkRefusals(client, user, other, family) {
  const foreign = Object.keys(other.buckets).find((bucket) => !(bucket in user.buckets));
  for (const [name, args] of [
    ['bucket_objects_list', { bucket: foreign }],
    ['bucket_object_text', { s3_uri: `s3://${foreign}/README.md` }],
  ]) {
    const result = await client.callTool({ name, arguments: args });
    assert.equal(result.isError, true, `${name} on ${foreign}`);
    assert.equal(result.structuredContent?.code, FOREIGN_BUCKET[family]);
  }
  await assert.rejects(client.callTool({ name: 'no_such_tool' }), { code: INVALID_PARAMS });
}

async function checkUnauthorized(url, token) {
  const attempt = async () => (await connect(url, token, [])).client.listTools();
  await assert.rejects(attempt, { code: 401 });
  // The library hands the same error to `onerror`; that one is due.
  const due = complaints.filter((line) => line.startsWith('onerror: Error: Streamable HTTP error'));
  assert.ok(due.length > 0);
  for (const line of due) complaints.splice(complaints.indexOf(line), 1);
}

/** Runs one group of checks and prints its line; true where all is well. */
async function group(name, check) {
  complaints.length = 0;
  try {
    await check();
    // What the library starts in the background gets a chance to complain.
    await new Promise((done) => setTimeout(done, 50));
    assert.equal(complaints.join('; '), '', `the library complains: ${complaints.join('; ')}`);
  } catch (error) {
    console.log(`FAILED ${name}: ${error.message.replace(/\s+/g, ' ')}`);
    return false;
  }
  console.log(`ok     ${name}`);
  return true;
}

const demo = JSON.parse(await text(process.stdin));
const [alice, bob] = demo.users;
const good = [];
for (const [user, other] of [[alice, bob], [bob, alice]]) {
  for (const family of Object.keys(FOREIGN_BUCKET)) {
    const name = `node ${PROTOCOL}: ${user.name}, ${family} token`;
    good.push(await group(name, () => checkSession(demo.mcp_url, user, other, family)));
  }
}
for (const [name, token] of [['no token', undefined], ['a garbage token', 'garbage']]) {
  const check = () => checkUnauthorized(demo.mcp_url, token);
  good.push(await group(`node ${PROTOCOL}: ${name} is 401`, check));
}
process.exitCode = good.every(Boolean) ? 0 : 1;
