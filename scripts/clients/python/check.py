"""Drives the server with the public Python client, the PyPI package `mcp`.

Reads from stdin the line that `quilt-mcp-server demo --json` prints. Does what an agent would do, as
both users, with both kinds of token, in both of the library's modes: `auto` (asks `server/discover`,
speaks the newest protocol) and `legacy` (the `initialize` handshake). The library itself validates
every answer against the tool's output schema.

Prints one line per group; ends with 1 if one failed. What the library complains about on the way
(log records from WARNING up, Python warnings) counts as a failure too.
"""

import asyncio
import base64
import json
import logging
import sys
import warnings
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

PROTOCOL = {"auto": "2026-07-28", "legacy": "2025-11-25"}
# The catalogue, as it is committed (tests/golden). Every user of the demo may call what is for his kind of token;
# none of them administers the catalog.
CATALOGUE = [json.loads(path.read_text()) for path in Path("tests/golden").glob("*.json")]
SHOWN = {"enhanced": ["stranger"], "catalog": ["stranger", "user"]}
WRITES = [tool["name"] for tool in CATALOGUE if not tool["readOnly"]]
FOREIGN_BUCKET = {"enhanced": "bucket_not_granted", "catalog": "aws_access_denied"}
INVALID_PARAMS = -32602


class Complaints(logging.Handler):
    """Collects what the library logs as a warning or worse."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, but {wanted!r} was due")


@asynccontextmanager
async def connect(url, mode, token, exchanges):
    """A connected client; its HTTP exchanges are noted as (method, status)."""

    async def note(response):
        exchanges.append((response.request.method, response.status_code))

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, event_hooks={"response": [note]}) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=20) as client:
            yield client


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    equal(f"{tool}: is_error", result.is_error, False)
    return result.structured_content


async def check_session(url, mode, user, other, family):
    token, exchanges = user[f"{family}_token"], []
    async with connect(url, mode, token, exchanges) as client:
        equal("protocol version", client.protocol_version, PROTOCOL[mode])
        equal("server", client.server_info and client.server_info.name, "quilt-mcp-server")
        await check_tools(client, family)
        await check_identity(client, token, family)
        await check_buckets(client, user)
        await check_catalog(client, user, family)
        await check_refusals(client, user, other, family)
    ends = [status for method, status in exchanges if method == "DELETE"]
    equal("DELETE at the end", ends, {"auto": [], "legacy": [204]}[mode])


async def check_tools(client, family):
    tools = (await client.list_tools()).tools
    shown = sorted(tool["name"] for tool in CATALOGUE if tool["standing"] in SHOWN[family])
    equal("tools", sorted(tool.name for tool in tools), shown)
    for tool in tools:
        equal(f"{tool.name}: output schema", bool(tool.output_schema), True)
        read_only = tool.name not in WRITES
        equal(f"{tool.name}: readOnlyHint", tool.annotations.read_only_hint, read_only)


async def check_identity(client, token, family):
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    who = await call(client, "auth_status")
    equal("subject", who["subject"], claims["id"])
    equal("family", who["family"], family)


async def check_catalog(client, user, family):
    """The catalog for its own tokens; one bucket's names and links for the others."""
    bucket = min(user["buckets"])
    found = await call(client, "bucket_objects_search", bucket=bucket, query="*.csv")
    backend = {"enhanced": "s3_listing", "catalog": "graphql"}[family]
    equal("backend", found["objects"]["backend"], backend)
    await call(client, "catalog_url", bucket=bucket)
    if family == "catalog":
        found = await call(client, "unified_search", query="csv files larger than 10 bytes")
        equal("all pages together", found["objects"]["total"] > 0, True)
        role = await call(client, "get_current_quilt_role")
        equal("own role", role["role"] in role["roles"], True)
    else:
        refused = await client.call_tool("unified_search", {"query": "csv"})
        equal("without a bucket", refused.structured_content["code"], "catalog_token_required")


async def check_buckets(client, user):
    listed = await call(client, "bucket_list")
    equal("buckets", [b["name"] for b in listed["buckets"]], sorted(user["buckets"]))
    for bucket in user["buckets"]:
        objects = await list_objects(client, bucket)
        uri = objects["README.md"]
        read = await call(client, "bucket_object_text", s3_uri=uri)
        equal(f"{uri} tells of its bucket", f"s3://{bucket}/protocols/" in read["text"], True)
    await check_objects(client, min(b for b, access in user["buckets"].items() if access == "write"))


async def check_objects(client, bucket):
    """Results of every shape: the library checks them against the output schemas."""
    items = [{"key": "clients/100% py.txt", "text": "37 °C"}, {"key": "clients/broken", "data": "?"}]
    put = await call(client, "bucket_objects_put", bucket=bucket, items=items)
    equal("written", (put["uploaded"], put["failed"]), (1, 1))
    uri = put["results"][0]["s3_uri"]
    equal("size", (await call(client, "bucket_object_info", s3_uri=uri))["size"], 6)
    link = await call(client, "bucket_object_link", s3_uri=uri, expiration=60)
    equal("lifetime of the link", link["expires_in"], 60)
    nothing = {"bucket": bucket, "items": items[1:]}
    failed = await client.call_tool("bucket_objects_put", nothing)
    equal("nothing written: is_error", failed.is_error, True)
    equal("nothing written: results", failed.structured_content["failed"], 1)
    picture = {"s3_uri": f"s3://{bucket}/images/gel-01.png"}
    shown = await client.call_tool("bucket_object_fetch", picture)
    equal("picture", shown.content[1].mime_type, "image/png")
    check = await call(client, "bucket_access_check", bucket=bucket)
    equal("access", [o["access"] for o in check["operations"]], ["allowed"] * 3)


async def list_objects(client, bucket):
    """Key and URI of every object, page by page."""
    objects, pages, page = {}, 0, {}
    while pages == 0 or page["truncated"]:
        more = {"continuation_token": page["next_token"]} if pages else {}
        page = await call(client, "bucket_objects_list", bucket=bucket, max_keys=20, **more)
        pages += 1
        for entry in page["objects"]:
            equal(f"{entry['key']} was listed before", entry["key"] in objects, False)
            objects[entry["key"]] = entry["s3_uri"]
    equal(f"{bucket} has several pages", pages > 1, True)
    return objects


async def check_refusals(client, user, other, family):
    foreign = min(set(other["buckets"]) - set(user["buckets"]))
    for tool, arguments in [
        ("bucket_objects_list", {"bucket": foreign}),
        ("bucket_object_text", {"s3_uri": f"s3://{foreign}/README.md"}),
    ]:
        result = await client.call_tool(tool, arguments)
        equal(f"{tool} on {foreign}: is_error", result.is_error, True)
        code = (result.structured_content or {}).get("code")
        equal(f"{tool} on {foreign}: code", code, FOREIGN_BUCKET[family])
    try:
        result = await client.call_tool("no_such_tool", {})
    except MCPError as error:
        equal("unknown tool: code", error.code, INVALID_PARAMS)
    else:
        raise AssertionError(f"unknown tool: no JSON-RPC error, but {result!r}")


async def check_unauthorized(url, mode, token):
    """The library tells only that the request failed; the status is its HTTP client's."""
    exchanges = []
    try:
        async with connect(url, mode, token, exchanges) as client:
            await client.list_tools()
    except Exception as error:
        equal("what the library raises", type(cause(error)), MCPError)
        equal("last HTTP exchange", exchanges[-1], ("POST", 401))
    else:
        raise AssertionError("the tools were listed")


def cause(error):
    """The error inside the exception groups that the library's task groups make of it."""
    while hasattr(error, "exceptions"):
        error = error.exceptions[0]
    return error


async def group(name, check):
    """Runs one group of checks and prints its line; true where all is well."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        await check
        equal("complaints of the library", complaints.lines, [])
    except Exception as failure:
        error = cause(failure)
        print(f"FAILED {name}: {type(error).__name__}: {' '.join(str(error).split())}")
        return False
    finally:
        logging.getLogger().removeHandler(complaints)
    print(f"ok     {name}")
    return True


async def main():
    demo = json.load(sys.stdin)
    url = demo["mcp_url"]
    warnings.simplefilter("always")
    logging.captureWarnings(True)
    good = []
    for mode, version in PROTOCOL.items():
        label = f"python {mode} {version}"
        for user, other in permutations(demo["users"], 2):
            for family in FOREIGN_BUCKET:
                check = check_session(url, mode, user, other, family)
                good.append(await group(f"{label}: {user['name']}, {family} token", check))
        for name, token in [("no token", None), ("a garbage token", "garbage")]:
            check = check_unauthorized(url, mode, token)
            good.append(await group(f"{label}: {name} is 401", check))
    return all(good)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
