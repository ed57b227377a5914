"""Who may: each refusal at the right place, with nothing written."""

import quilt3

import tools
from place import BOB_LAB, LAB, SHARED, content, equal, refused

#: Our own check of the token, S3's answer for the catalog token.
FOREIGN = {"enhanced": "bucket_not_granted", "catalog": "aws_access_denied"}
NOT_WRITING = ("insufficient_scope", "bucket_not_granted", "aws_access_denied")


def untouched(place, buckets=(LAB, SHARED)):
    return {bucket: place.keys(bucket, "") for bucket in buckets}


def foreign_source(place):
    """An object of Bob's in a package of Alice's: neither referred to (it has to be hashed) nor copied."""
    before = untouched(place)
    for family, code in FOREIGN.items():
        for mode in ("none", "all"):
            with refused(f"{family}, {mode}", code):
                tools.create(
                    place.alice,
                    place.name("foreign"),
                    {"README.md": f"s3://{BOB_LAB}/README.md"},
                    copy_mode=mode,
                    family=family,
                )
    equal("keys", untouched(place), before)


def foreign_registry(place):
    name = place.name("bobs")
    uris = place.upload(SHARED, "crosstest/bobs/", {"a": b"a"})
    folder = place.local({"b.txt": b"b"})
    place.push(quilt3.Package().set_dir("/", str(folder)), name, BOB_LAB, user=place.bob)
    before = place.keys(BOB_LAB, "", user=place.bob)
    for family, code in FOREIGN.items():
        with refused(f"{family}: create", code):
            tools.create(place.alice, name, uris, registry=BOB_LAB, copy_mode="all", family=family)
        for tool in ("package_browse", "package_delete"):
            with refused(f"{family}: {tool}", code):
                place.alice.call(tool, family=family, package_name=name, registry=BOB_LAB)
    equal("keys", place.keys(BOB_LAB, "", user=place.bob), before)


def foreign_entries(place):
    """A manifest in the shared bucket that names objects of Alice's: Bob sees them, and reads nothing."""
    name, files = place.name("mixed"), {"here": b"h", "there": content("there")}
    package = quilt3.Package()
    with place.alice.acting():
        package.set("here", place.upload(SHARED, "crosstest/mixed/", files)["here"])
        package.set("there", place.upload(LAB, "crosstest/mixed/", files)["there"])
    place.push(package, name, SHARED, selector_fn=lambda *_: False)
    _, found = tools.browse(place.bob, name, SHARED)
    equal("seen", [e["logical_key"] for e in found], ["here", "there"])
    told = place.bob.call("package_validate", package_name=name, registry=SHARED)
    equal("valid", told["valid"], False)


def read_only(place):
    """Bob may read the shared bucket."""
    name = place.name("read-only")
    uris = place.upload(SHARED, "crosstest/read-only/", {"a": b"a"})
    place.push(quilt3.Package().set_dir("/", str(place.local({"b": b"b"}))), name, SHARED)
    before = untouched(place, (SHARED,))
    for family in FOREIGN:
        with refused(f"{family}: create", *NOT_WRITING):
            tools.create(place.bob, place.name("read-only"), uris, registry=SHARED, family=family)
        with refused(f"{family}: delete", *NOT_WRITING):
            place.bob.call("package_delete", family=family, package_name=name, registry=SHARED)
    equal("keys", untouched(place, (SHARED,)), before)


SCENARIOS = [foreign_source, foreign_registry, foreign_entries, read_only]
