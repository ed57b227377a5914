"""What quilt3 writes, as our tools see it: the same entries, hashes, revisions and differences."""

import json

import quilt3

import home
import tools
from alone import SCHEMA, WORKFLOWS
from place import LAB, NAMES, SHARED, check, content, entries, equal, everything, refused


def pushed(place, name, files, registry=LAB, meta=None, **how):
    package = quilt3.Package().set_dir("/", str(place.local(files)), meta=meta)
    return place.push(package, name, registry, **how)


def some(place, kind, files=None, **how):
    name = place.name(kind)
    return name, pushed(place, name, files or everything(), **how)


def browse(place):
    """Nested, odd names, metadata on the package, on entries and on directories."""
    name, package = some(place, "browse", meta={"big": 10**30, "é": 1e-05})
    package["empty"].set_meta({"k": "v"})
    package["a"].set_meta({"of": "a"})
    with place.alice.acting():
        top_hash = package.build(name, registry=f"s3://{LAB}", message="with a directory's")
    seen = place.browse(name)
    first, found = tools.browse(place.alice, name)
    equal("top hash", first["top_hash"], top_hash)
    equal("entries", tools.rows(found), entries(seen))
    equal("total_entries", first["total_entries"], len(found))
    # JSON-RPC has no integer of more than 64 bits: such a number is shown as the nearest float.
    equal("metadata", first["metadata"], json.loads(json.dumps(seen.meta), parse_int=float))
    noted = {e["logical_key"]: e.get("metadata") for e in found}
    equal("metadata of an entry", noted["empty"], {"k": "v"})
    first, _ = tools.browse(place.alice, name, view="folder")
    folders = {f["path"]: f.get("metadata") for f in first["folders"]}
    equal("metadata of a folder", folders["a/"], {"of": "a"})
    _, under = tools.browse(place.alice, name, prefix="a/")
    equal("below a/", [e["logical_key"] for e in under], ["a/b", "a/b.c/d"])
    for how in (top_hash, top_hash[:8], "latest"):
        equal(f"by {how}", tools.browse(place.alice, name, top_hash=how)[0]["top_hash"], top_hash)


def two_revisions(place, kind):
    """A package of two revisions, whose pointers are seconds apart; (name, first, second)."""
    name, files = place.name(kind), {key: content(key) for key in NAMES}
    first = pushed(place, name, files, message="first", meta={"n": 1}).top_hash
    with place.alice.acting():
        s3 = home.s3()
        for key in place.keys(LAB, f".quilt/named_packages/{name}/1"):
            s3.delete_object(Bucket=LAB, Key=key)
        s3.put_object(Bucket=LAB, Key=f".quilt/named_packages/{name}/1700000000", Body=first)
    grown = place.browse(name).delete("a-b").set_meta({"n": 2})
    for key, data in {"new é": b"new", "a/b": b"other"}.items():
        grown.set(key, str(place.local({"x": data}) / "x"))
    return name, first, place.push(grown, name, message="second").top_hash


def list_and_versions(place):
    name, first, second = two_revisions(place, "versions")
    prefix = name.partition("/")[0]
    listed = place.alice.call("packages_list", registry=LAB, prefix=prefix)
    with place.alice.acting():
        theirs = sorted(quilt3.list_packages(registry=f"s3://{LAB}"))
    ours = [p if isinstance(p, str) else p["package_name"] for p in listed["packages"]]
    equal("packages", sorted(ours), [p for p in theirs if p.startswith(prefix)])
    told = place.alice.call("package_versions", package_name=name, registry=LAB)
    hashes = [version["top_hash"] for version in told["versions"]]
    equal("versions, newest first", hashes, [second, first])
    equal("of quilt3", {top_hash for _, top_hash in place.versions(name)}, set(hashes))


def diff(place):
    name, first, second = two_revisions(place, "diff")
    one, two = (place.browse(name, top_hash=top_hash) for top_hash in (first, second))
    added, modified, removed = one.diff(two)
    equal("ours", tools.diff(place.alice, name, first, second), (added, removed, modified))
    equal("back", tools.diff(place.alice, name, second, first), (removed, added, modified))
    equal("none", tools.diff(place.alice, name, first, first), ([], [], []))


def search(place):
    name, _ = some(place, "search", {key: content(key) for key in NAMES})
    told = place.alice.call(
        "package_contents_search", package_name=name, registry=LAB, query="メモ"
    )
    equal("found", [m["logical_key"] for m in told["matches"]], ["日本語/メモ.txt"])


def validate(place):
    """All is well; then an object's version is gone."""
    name, package = some(place, "validate", {"a.txt": b"a", "b.txt": b"b"})
    arguments = {"package_name": name, "registry": LAB}
    told = place.alice.call("package_validate", **arguments)
    equal("valid", told["valid"], True)
    gone = package["b.txt"].physical_key
    with place.alice.acting(), refused("Alice may not delete versions", "AccessDenied"):
        home.s3().delete_object(Bucket=LAB, Key=gone.path, VersionId=gone.version_id)
    # So the package is pointed at a version that never was.
    package["b.txt"].physical_key = quilt3.util.PhysicalKey(LAB, gone.path, "0" * 32)
    with place.alice.acting():
        package.build(name, registry=f"s3://{LAB}", message="broken")
    told = place.alice.call("package_validate", **arguments)
    equal("valid", told["valid"], False)


def manifest_written_again(place):
    """The top hash knows neither physical keys nor directory metadata: a manifest of the same hash in
    the same bucket may be written again with others, and what was read before is then old."""
    files = {"d/a.txt": b"a"}
    before = place.upload(LAB, "crosstest/again/", files)["d/a.txt"]
    name = place.name("again")
    package = quilt3.Package()
    with place.alice.acting():
        package.set("d/a.txt", before)
    first = place.push(package, name, message="m")
    equal("before", tools.rows(tools.browse(place.alice, name)[1]), entries(first))
    after = place.upload(LAB, "crosstest/moved/", files)["d/a.txt"]
    moved = place.browse(name)
    moved["d/a.txt"].physical_key = quilt3.util.PhysicalKey.from_url(after)
    second = place.push(moved, name, message="m")
    equal("the hash", second.top_hash, first.top_hash)
    equal("after", tools.rows(tools.browse(place.alice, name)[1]), entries(second))


def conflict(place):
    """Our update of what is no longer `latest` is refused; `overwrite` makes it."""
    name, first, _ = two_revisions(place, "conflict")
    uris = place.upload(LAB, "crosstest/conflict/", {"ours": b"o"})
    arguments = {
        "package_name": name,
        "registry": LAB,
        "entries": tools.pairs(uris),
        "copy_mode": "none",
        "top_hash": first,
    }
    before = place.versions(name)
    with refused("an update of the first revision", "conflict"):
        place.alice.call("package_update", **arguments)
    equal("pointers", place.versions(name), before)
    told = place.alice.call("package_update", **arguments, overwrite=True)
    equal("latest", place.browse(name).top_hash, told["top_hash"])
    check("of the first revision", "a-b" in place.browse(name))


def workflows(place):
    """The registry's workflow binds us as it binds quilt3, and the header says so in the same words."""
    files = {".quilt/workflows/config.yml": WORKFLOWS.encode(), "schemas/one.json": SCHEMA}
    place.upload(SHARED, "", files)
    try:
        uris = place.upload(SHARED, "crosstest/workflow/", {"a": b"a"})
        good = {"registry": SHARED, "workflow": "strict", "metadata": {"n": 1}, "message": "m"}
        for what, bad in {
            "no workflow": {"workflow": ""},
            "no such workflow": {"workflow": "none"},
            "no message": {"message": ""},
            "metadata": {"metadata": {"n": "one"}},
        }.items():
            with refused(what, "workflow_violation"):
                tools.create(place.alice, place.name("bound"), uris, **{**good, **bad})
        name = place.name("bound")
        told = tools.create(place.alice, name, uris, **good)
        package = quilt3.Package()
        with place.alice.acting():
            package.set("a", uris["a"]).set_meta({"n": 1})
        theirs = place.push(package, place.name("bound"), SHARED, message="m", workflow="strict")
        equal("header", place.browse(name, SHARED)._meta, theirs._meta)
        equal("top hash", told["top_hash"], theirs.top_hash)
    finally:
        with place.alice.acting():
            home.s3().delete_object(Bucket=SHARED, Key=".quilt/workflows/config.yml")


def delete(place):
    """One revision, then all; pointers only, as quilt3 finds them."""
    name, first, second = two_revisions(place, "delete")
    arguments = {"package_name": name, "registry": LAB}
    before = place.keys(LAB, "")
    place.alice.call("package_delete", **arguments, dry_run=True)
    equal("keys after a dry run", place.keys(LAB, ""), before)
    place.alice.call("package_delete", **arguments, top_hash=second)
    equal("latest", place.browse(name).top_hash, first)
    equal("revisions", {top_hash for _, top_hash in place.versions(name)}, {first})
    place.alice.call("package_delete", **arguments)
    with place.alice.acting():
        check("not listed", name not in quilt3.list_packages(registry=f"s3://{LAB}"))
    left = [key for key in before if not key.startswith(f".quilt/named_packages/{name}/")]
    equal("what stays", place.keys(LAB, ""), left)


SCENARIOS = [
    browse,
    list_and_versions,
    diff,
    search,
    validate,
    manifest_written_again,
    conflict,
    workflows,
    delete,
]
