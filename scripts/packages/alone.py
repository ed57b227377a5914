"""quilt3 by itself at the demo's S3: that the stand-in is one which quilt3 takes for S3."""

import quilt3
from quilt3 import checksums
from quilt3.packages import PackageEntry
from quilt3.util import PhysicalKey

import home
from place import BOB_LAB, LAB, MIB, SHARED, check, content, entries, equal, everything, refused

META = {"n": 1, "big": 10**30, "small": 1e-05, "zero": -0.0, "é": ["\x7f", None, True], "{}": {}}
WORKFLOWS = """
version: "1"
is_workflow_required: true
workflows:
  strict: {name: Strict, is_message_required: true, handle_pattern: "^crosstest/", metadata_schema: one}
schemas:
  one: {url: "s3://quilt-shared/schemas/one.json"}
"""
SCHEMA = b'{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'


def pushed(place, name, files, bucket=LAB, message="first ✓", meta=None):
    package = quilt3.Package().set_dir("/", str(place.local(files)), meta=meta)
    return place.push(package, name, bucket, message=message)


def push_browse_fetch_verify(place):
    """Odd names, nothing, 8 MiB and more, metadata on the package and on an entry."""
    name, files = place.name("all"), everything()
    package = quilt3.Package().set_dir("/", str(place.local(files)), meta=META)
    package["empty"].set_meta({"k": [1.5, {"z": 1, "a": 2}]})
    mine = place.push(package, name, message="first ✓")
    seen = place.browse(name)
    equal("top hash", seen.top_hash, mine.top_hash)
    equal("entries", entries(seen), entries(mine))
    equal("metadata", (seen.meta, seen["empty"].meta), (META, {"k": [1.5, {"z": 1, "a": 2}]}))
    check("the zero kept its sign", str(seen.meta["zero"]) == "-0.0")
    place.whole(seen, files)


def directories_keep_metadata(place):
    """A push loses it; a build at the registry keeps it. The hash does not know it."""
    name = place.name("folders")
    pushed(place, name, {"a/b/c.txt": b"c", "a-b/d.txt": b"d"})
    package = place.browse(name)
    package["a"].set_meta({"of": "a"})
    package["a/b"].set_meta({"of": "a/b"})
    with place.alice.acting():
        top_hash = package.build(name, registry=f"s3://{LAB}", message="first ✓")
    seen = place.browse(name)
    equal("metadata", (seen["a"].meta, seen["a/b"].meta), ({"of": "a"}, {"of": "a/b"}))
    equal("top hash", seen.top_hash, top_hash)


def revisions(place):
    """Pointers, hash prefixes, a conflict, a revision taken away, all taken away."""
    name, files = place.name("revisions"), {"a.txt": b"1"}
    old = pushed(place, name, files).top_hash
    # Pointers count seconds: two pushes within one would share theirs.
    pointer = f".quilt/named_packages/{name}/1700000000"
    with place.alice.acting():
        home.s3().put_object(Bucket=LAB, Key=pointer, Body=old)
    stranger = quilt3.Package().set_dir("/", str(place.local({"x": b"x"})))
    with refused("a push over a package it does not know", "QuiltConflictException"):
        place.push(stranger, name)
    grown = place.browse(name).set("b.txt", str(place.local({"b": b"2"}) / "b"))
    second = place.push(grown, name)
    equal("latest", place.browse(name).top_hash, second.top_hash)
    equal("by hash", place.browse(name, top_hash=old).top_hash, old)
    short = place.browse(name, top_hash=old[:8])
    equal("by a prefix of the hash", short.top_hash, old)
    added, modified, deleted = short.diff(place.browse(name))
    equal("diff", (added, modified, deleted), (["b.txt"], [], []))
    with place.alice.acting():
        quilt3.delete_package(name, registry=f"s3://{LAB}", top_hash=second.top_hash)
    equal("latest after the second is gone", place.browse(name).top_hash, old)
    with place.alice.acting():
        quilt3.delete_package(name, registry=f"s3://{LAB}")
        check("not listed", name not in quilt3.list_packages(registry=f"s3://{LAB}"))
    check("the manifest stays", place.keys(LAB, f".quilt/packages/{old}"))


def copies_between_buckets(place):
    """Server-side: CopyObject below 8 MiB, UploadPartCopy from there on; the hashes stay."""
    name = place.name("copies")
    files = {"small é.txt": b"small", "none": b"", "big": content("big", 17 * MIB)}
    mine = pushed(place, name, files)
    there = place.push(mine, name, SHARED)
    for (key, one), (_, two) in zip(mine.walk(), there.walk(), strict=True):
        equal(f"hash of {key}", two.hash, one.hash)
        equal(f"bucket of {key}", two.physical_key.bucket, SHARED)
    place.whole(place.browse(name, SHARED), files)


def other_hashes(place):
    """Old and new hash types in one manifest, by reference: quilt3 verifies each of them."""
    name, data = place.name("hashes"), b"the same bytes"
    uri = place.upload(LAB, "crosstest/hashes/", {"data": data})["data"]
    package = quilt3.Package()
    for kind in ("SHA256", "CRC64NVME", "sha2-256-chunked"):
        value = hash_of(kind, data)
        entry = PackageEntry(
            PhysicalKey.from_url(uri), len(data), {"type": kind, "value": value}, None
        )
        package.set(f"by {kind}", entry)
    place.push(package, name)
    seen = place.browse(name)
    place.whole(seen, {key: data for key, _ in seen.walk()})


def hash_of(kind, data):
    if kind == checksums.SHA256_HASH_NAME:
        return checksums.legacy_calculate_checksum_bytes(data)
    return checksums.calculate_multipart_checksum_bytes(data, checksum_type=kind)


def workflows_bind(place):
    """A registry with a required workflow: quilt3 refuses what breaks it and notes what it checked."""
    place.upload(
        SHARED, "", {".quilt/workflows/config.yml": WORKFLOWS.encode(), "schemas/one.json": SCHEMA}
    )
    try:
        name, folder = place.name("workflow"), str(place.local({"a": b"a"}))
        for what, meta, how in [
            ("no workflow", {"n": 1}, {"message": "m", "workflow": None}),
            ("no message", {"n": 1}, {"workflow": "strict"}),
            ("metadata", {"n": "one"}, {"message": "m", "workflow": "strict"}),
        ]:
            with refused(what, "QuiltException"):
                place.push(quilt3.Package().set_dir("/", folder, meta=meta), name, SHARED, **how)
        good = quilt3.Package().set_dir("/", folder, meta={"n": 1})
        place.push(good, name, SHARED, message="m", workflow="strict")
        seen = place.browse(name, SHARED)._workflow
        equal("workflow of the header", seen["id"], "strict")
        check("with the configuration's version", "?versionId=" in seen["config"])
    finally:
        with place.alice.acting():
            home.s3().delete_object(Bucket=SHARED, Key=".quilt/workflows/config.yml")


def each_user_has_his_own(place):
    """S3 itself keeps Bob out of Alice's bucket, and lets him only read the shared one."""
    name, files = place.name("mine"), {"a.txt": b"a"}
    pushed(place, name, files)
    pushed(place, name, files, SHARED)
    denied = ("AccessDenied", "403", "S3NoValidClientError")
    with refused("Bob browses at Alice's", *denied):
        place.browse(name, user=place.bob)
    place.browse(name, SHARED, user=place.bob)
    before = place.keys(SHARED, "")
    other = quilt3.Package().set_dir("/", str(place.local({"b.txt": b"b"})))
    with refused("Bob pushes to the shared bucket", *denied):
        place.push(other, name, SHARED, user=place.bob, force=True)
    equal("written by Bob", place.keys(SHARED, ""), before)
    check("Bob pushes to his own", place.push(other, name, BOB_LAB, user=place.bob).top_hash)


SCENARIOS = [
    push_browse_fetch_verify,
    directories_keep_metadata,
    revisions,
    copies_between_buckets,
    other_hashes,
    workflows_bind,
    each_user_has_his_own,
]
