"""What our tools write, as quilt3 sees it: it browses, computes the same hash, verifies and fetches."""

import io
import json

import quilt3
from quilt3 import checksums

import home
import tools
from place import LAB, MIB, SHARED, check, content, entries, equal, everything, refused

META = {"title": "Tést", "big": 10**30, "small": 1e-05, "n": [1, 2.5, None, True, {"é\x7f": "😀"}]}


def hash_of(data):
    value = checksums.calculate_multipart_checksum_bytes(data, checksum_type=checksums.DEFAULT_HASH)
    return {"type": checksums.DEFAULT_HASH, "value": value}


def seen_alike(place, name, told, files, registry=LAB):
    """quilt3's view of what a tool says it wrote; the package, for more questions."""
    seen = place.browse(name, registry)
    equal("latest", seen._origin.top_hash, told["top_hash"])
    equal("quilt3's own hash of it", seen.top_hash, told["top_hash"])
    for key, entry in seen.walk():
        equal(f"size of {key!r}", entry.size, len(files[key]))
        equal(f"hash of {key!r}", entry.hash, hash_of(files[key]))
        check(f"version of {key!r}", entry.physical_key.version_id)
    place.whole(seen, files)
    return seen


def created_is_whole(place):
    """Odd names, an empty file, 8 MiB and more; hashed from every kind of checksum and from none."""
    name, files = place.name("whole"), everything()
    uris = place.upload(LAB, "crosstest/whole/", files)
    for algorithm in ("SHA256", "CRC32", "CRC64NVME"):
        more = {
            f"{algorithm}/small": content(algorithm),
            f"{algorithm}/big": content(algorithm, 9 * MIB),
        }
        uris |= place.upload(LAB, "crosstest/whole/", more, ChecksumAlgorithm=algorithm)
        files |= more
    for part in (8 * MIB, 5 * MIB):  # quilt3's own part size, and one whose composite is of no use
        key = f"parts of {part}"
        files[key] = content(key, 19 * MIB)
        uris[key] = in_parts(place, f"crosstest/whole/{key}", files[key], part)
    told = tools.create(place.alice, name, uris, metadata=META, message="✓")
    equal("total_entries", told["total_entries"], len(files))
    seen = seen_alike(place, name, told, files)
    equal("metadata", seen.meta, META)
    equal("message", seen._meta["message"], "✓")
    equal("physical keys", {key: str(e.physical_key) for key, e in seen.walk()}, uris)


def in_parts(place, key, data, size):
    """A multipart upload with composite SHA-256."""
    with place.alice.acting():
        s3, where = home.s3(), {"Bucket": LAB, "Key": key}
        upload = s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]
        parts = []
        for start in range(0, len(data), size):
            number = len(parts) + 1
            part = s3.upload_part(
                **where,
                UploadId=upload,
                PartNumber=number,
                Body=data[start : start + size],
                ChecksumAlgorithm="SHA256",
            )
            sums = {name: part[name] for name in ("ETag", "ChecksumSHA256")}
            parts.append({"PartNumber": number, **sums})
        done = s3.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return str(quilt3.util.PhysicalKey(LAB, key, done["VersionId"]))


def a_thousand_entries(place):
    name = place.name("thousand")
    files = {f"d{at % 10}/e-{at:04}.txt": content(at) for at in range(1000)}
    told = tools.create(place.alice, name, place.upload(LAB, "crosstest/thousand/", files))
    seen_alike(place, name, told, files)


def same_hash_as_quilt3(place):
    """The same objects, metadata and message make the same package, byte for byte."""
    files = everything()
    uris = place.upload(LAB, "crosstest/same/", files)
    package = quilt3.Package()
    with place.alice.acting():
        for key, uri in uris.items():
            package.set(key, uri)
    package.set_meta(META)
    theirs = place.push(package, place.name("same"), message="made by our tool")
    where = f".quilt/packages/{theirs.top_hash}"
    text = {}
    for who in ("quilt3", "ours"):
        if who == "ours":
            told = tools.create(place.alice, place.name("same"), uris, metadata=META)
            equal("top hash", told["top_hash"], theirs.top_hash)
        with place.alice.acting():
            text[who] = home.s3().get_object(Bucket=LAB, Key=where)["Body"].read()
    equal("the manifest", text["ours"], text["quilt3"])


def copy_modes(place):
    """`all` and `same_bucket` copy (8 MiB and more in parts), `none` refers; the hashes are the same."""
    files = {"small é.txt": b"s", "none": b"", "big": content("big", 17 * MIB)}
    here, there = (place.upload(bucket, "crosstest/modes/", files) for bucket in (LAB, SHARED))
    hashes = set()
    for mode, uris, copied in [
        ("all", here, True),
        ("all", there, True),
        ("none", here, False),
        ("none", there, False),
        ("same_bucket", here, True),
        ("same_bucket", there, False),
    ]:
        name = place.name(f"mode-{mode}")
        told = tools.create(place.alice, name, uris, copy_mode=mode)
        seen = seen_alike(place, name, told, files)
        hashes.add(seen.top_hash)
        for key, entry in seen.walk():
            if copied:
                at = (entry.physical_key.bucket, entry.physical_key.path)
                equal(f"{mode}: {key}", at, (LAB, f"{name}/{key}"))
            else:
                equal(f"{mode}: {key}", str(entry.physical_key), uris[key])
    equal("hashes, however copied", len(hashes), 1)


def readme_is_a_file(place):
    name, files = place.name("readme"), {"a.txt": b"a"}
    uris = place.upload(LAB, "crosstest/readme/", files)
    told = tools.create(place.alice, name, uris, readme="# Été\n")
    seen = seen_alike(place, name, told, files | {"README.md": "# Été\n".encode()})
    equal("not in the metadata", seen.meta, {})


def dry_run_writes_nothing(place):
    name, files = place.name("dry"), everything()
    uris = place.upload(LAB, "crosstest/dry/", files)
    before = place.keys(LAB, "")
    would = tools.create(place.alice, name, uris, copy_mode="all", dry_run=True)
    equal("keys of the bucket", place.keys(LAB, ""), before)
    did = tools.create(place.alice, name, uris, copy_mode="all")
    keys = [[e["logical_key"] for e in told["entries"]] for told in (would, did)]
    equal("entries shown and written", *keys)


def updates(place):
    """Entries added, replaced and removed, metadata merged and replaced; the old revision stays."""
    name, files = place.name("updates"), {"keep": b"k", "replace": b"1", "drop/it": b"d"}
    uris = place.upload(LAB, "crosstest/updates/", files)
    first = tools.create(place.alice, name, uris, metadata={"a": 1, "b": {"c": 10**30}})
    new = place.upload(LAB, "crosstest/updates2/", {"replace": b"2", "add/é": b"a"})
    second = place.alice.call(
        "package_update",
        package_name=name,
        registry=LAB,
        entries=tools.pairs(new),
        remove=["drop/it"],
        metadata={"a": 2},
        message="second",
        copy_mode="none",
    )
    now = {"keep": b"k", "replace": b"2", "add/é": b"a"}
    seen = seen_alike(place, name, second, now)
    equal("metadata", seen.meta, {"a": 2, "b": {"c": 10**30}})
    old = place.browse(name, top_hash=first["top_hash"])
    place.whole(old, files)
    equal("quilt3's diff", old.diff(seen), (["add/é"], ["replace"], ["drop/it"]))
    again = quilt3.Package().set("x", str(place.local({"x": b"x"}) / "x"))
    with refused("quilt3 over ours", "QuiltConflictException"):
        place.push(again, name)


def metadata_only(place):
    """A package of quilt3's: its entries stay as they are, numbers that no float holds too."""
    name, files = place.name("metadata"), everything()
    package = quilt3.Package().set_dir("/", str(place.local(files)), meta={"big": 10**30, "a": 1.0})
    package["empty"].set_meta({"precise": 2**64 + 1, "f": 1e16})
    theirs = place.push(package, name)
    told = place.alice.call(
        "package_update_metadata",
        package_name=name,
        registry=LAB,
        metadata={"b": "new"},
        message="metadata only",
    )
    seen = seen_alike(place, name, told, files)
    equal("entries", entries(seen), entries(theirs))
    equal(
        "metadata",
        json.dumps(seen.meta, sort_keys=True),
        json.dumps({"a": 1.0, "b": "new", "big": 10**30}),
    )
    equal("of an entry", seen["empty"].meta, {"precise": 2**64 + 1, "f": 1e16})


def from_a_prefix(place):
    """The preview is the result; generated files are really in the package."""
    name, files = place.name("prefix"), everything()
    del files["README.md"]
    place.upload(LAB, "crosstest/prefix/", files)
    arguments = {
        "package_name": name,
        "registry": LAB,
        "source_bucket": LAB,
        "source_prefix": "crosstest/prefix/",
        "copy_mode": "none",
    }
    would = place.alice.call("package_create_from_s3", **arguments, dry_run=True)
    did = place.alice.call("package_create_from_s3", **arguments)
    keys = [sorted(e["logical_key"] for e in told["entries"]) for told in (would, did)]
    equal("entries shown and written", *keys)
    seen = place.browse(name)
    equal("quilt3's own hash of it", seen.top_hash, did["top_hash"])
    made = {"README.md", "quilt_summarize.json"}
    check("generated files", made <= {key for key, _ in seen.walk()})
    equal("objects", len(list(seen.walk())), len(files) + len(made))
    with place.alice.acting():
        summary = json.load(io.BytesIO(seen["quilt_summarize.json"].get_bytes()))
    check("the summary is a list", isinstance(summary, list) and summary)


SCENARIOS = [
    created_is_whole,
    a_thousand_entries,
    same_hash_as_quilt3,
    copy_modes,
    readme_is_a_file,
    dry_run_writes_nothing,
    updates,
    metadata_only,
    from_a_prefix,
]
