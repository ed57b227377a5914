"""Where scenarios happen: a demo, its users, a folder, and the few steps that all scenarios share."""

import os
import tempfile
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import quilt3

import home

LAB, BOB_LAB, SHARED = "quilt-alice-lab", "quilt-bob-lab", "quilt-shared"
MIB = 1024 * 1024

#: Logical keys with what trips clients up; `/` sorts between `-`, `.` and `0`.
NAMES = [
    "README.md",
    "a/b",
    "a-b",
    "a.txt",
    "a/b.c/d",
    "a0",
    "données/été 1+1=2 50%.csv",
    "日本語/メモ.txt",
    "emoji 😀/𝒳.bin",
    "q?x=1&y#z.txt",
    "tab\tand\x7f",
    "quo\"te's.txt",
    "e\u0301/\u00e9",
]


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, but {wanted!r} was due")


def check(what, holds):
    if not holds:
        raise AssertionError(what)


@contextmanager
def refused(what, *codes):
    """The step fails, and for one of these reasons: the class of an exception, or the code in it."""
    try:
        yield
    except Exception as error:
        code = getattr(error, "code", None)
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
        names = [kind.__name__ for kind in type(error).__mro__]
        check(f"{what}: {type(error).__name__} ({code}): {error}", {code, *names} & set(codes))
    else:
        raise AssertionError(f"{what}: was not refused")


def content(name, size=None):
    """Bytes that tell of their name; of a given size if one is given."""
    text = f"{name}\n".encode()
    return text if size is None else (text * (size // len(text) + 1))[:size]


class Place:
    def __init__(self, demo, folder):
        self.demo, self.folder = demo, Path(folder)
        self.alice, self.bob = demo.users["alice"], demo.users["bob"]
        self.count = 0

    def fresh(self, kind="files"):
        """An empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.folder))

    def name(self, kind):
        """A package name that nobody has used."""
        self.count += 1
        return f"crosstest/{kind}-{self.count}"

    def local(self, files):
        """A folder with these files, `{logical key: bytes}`."""
        folder = self.fresh()
        for key, data in files.items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    def upload(self, bucket, prefix, files, **how):
        """Puts objects as Alice; `{logical key: s3 URI with version}`."""
        with self.alice.acting():
            s3, uris = home.s3(), {}
            for key, data in files.items():
                put = s3.put_object(Bucket=bucket, Key=prefix + key, Body=data, **how)
                physical = quilt3.util.PhysicalKey(bucket, prefix + key, put["VersionId"])
                uris[key] = str(physical)
            return uris

    def keys(self, bucket, prefix, user=None):
        """The bucket's keys under the prefix now."""
        with (user or self.alice).acting():
            pages = home.s3().get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=bucket, Prefix=prefix)
            return [entry["Key"] for page in found for entry in page.get("Contents", [])]

    def push(self, package, name, bucket=LAB, user=None, **how):
        """quilt3's push, without what it prints."""
        with (user or self.alice).acting(), redirect_stdout(StringIO()):
            return package.push(name, registry=f"s3://{bucket}", **how)

    def browse(self, name, bucket=LAB, user=None, **how):
        with (user or self.alice).acting():
            return quilt3.Package.browse(name, registry=f"s3://{bucket}", **how)

    def versions(self, name, bucket=LAB):
        """(pointer, top hash) of each pointer as quilt3 lists them."""
        with self.alice.acting():
            return list(quilt3.list_package_versions(name, registry=f"s3://{bucket}"))

    def whole(self, package, files):
        """quilt3 fetches all of a package, finds the bytes there that are due, and verifies them."""
        equal("logical keys", sorted(key for key, _ in package.walk()), sorted(files))
        folder = self.fresh("fetched")
        with self.alice.acting(), redirect_stdout(StringIO()):
            package.fetch(str(folder) + os.sep)
            for key, data in files.items():
                check(f"bytes of {key!r}", (folder / key).read_bytes() == data)
            equal("verified by quilt3", package.verify(str(folder)), True)
            spoiled = folder / min(files)
            spoiled.write_bytes(spoiled.read_bytes() + b"!")
            equal("verified though spoiled", package.verify(str(folder)), False)


def entries(package):
    """What quilt3 says of each entry, in its order."""
    return [(key, str(e.physical_key), e.size, e.hash) for key, e in package.walk()]


def everything():
    """Files of every kind: odd names, an empty one, one just at and one above quilt3's 8 MiB."""
    files = {name: content(name) for name in NAMES}
    files["empty"] = b""
    files["big/exactly 8 MiB"] = content("eight", 8 * MIB)
    files["big/9 MiB"] = content("nine", 9 * MIB + 1)
    return files
