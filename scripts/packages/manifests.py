"""Random packages as quilt3 itself writes and hashes them, for a differential test.

    manifests.py OUT [COUNT] [SEED]

Writes COUNT lines of JSON to OUT: `manifest` (the JSON Lines text), `top_hash` (quilt3's) and
`spelling`. Most manifests are spelled by quilt3 (`quilt3`); some are rewritten as another writer could
have written the same (`other`): ASCII escapes, no spaces, entries and members in another order, floats
in other forms. quilt3 then reads them and says their hash. Nothing here needs a network.

Prints the seed; the same seed makes the same file.
"""

import io
import json
import random
import sys
import tempfile

import home

SCRATCH = tempfile.TemporaryDirectory(prefix="quilt3-home-")
home.settle(SCRATCH.name)

from quilt3 import Package, packages
from quilt3.util import PhysicalKey, QuiltException

from values import Values

PLAIN = "abcXYZ019"
#: Around `/` (0x2f) in both directions, what URLs reserve, what JSON escapes, and beyond one UTF-16 unit.
ODD = " !\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~\x01\x1f\x7f\x80µé日\u2028\ue000\uff5e😀𝒳"
OTHER_SHARE = 0.2


class Packages(Values):
    """Random packages; [`Values`] makes what is inside their metadata."""

    def name(self, longest=6):
        alphabet = PLAIN if self.chance(0.6) else PLAIN + ODD
        while True:
            text = self.text(alphabet, 1, longest)
            if text not in (".", ".."):
                return text

    def physical_key(self, logical_key):
        path = (
            logical_key
            if self.chance(0.5)
            else "/".join(self.name(12) for _ in range(self.upto(4) + 1))
        )
        version = self.pick(
            [None, "null", self.text(PLAIN, 32, 32), self.text(PLAIN + "._-+ %&=/é", 1, 20)]
        )
        return PhysicalKey(self.pick(["b-1", "quilt-alice-lab", "with.dots"]), path, version)

    def hash(self):
        kind = self.pick(["sha2-256-chunked", "sha2-256-chunked", "SHA256", "CRC64NVME"])
        if kind == "SHA256":
            return {"type": kind, "value": self.random.randbytes(32).hex()}
        return {"type": kind, "value": self.base64(8 if kind == "CRC64NVME" else 32)}

    def entry_meta(self):
        meta = self.pick([None, {}, {"user_meta": self.object(3)}, self.object(2)])
        if meta and self.chance(0.2):
            meta = {**meta, "target": "parquet"}
        return meta

    def workflow(self):
        config = f"s3://b-1/.quilt/workflows/config.yml?versionId={self.text(PLAIN, 8, 8)}"
        schemas = {self.name(): f"s3://b-1/schema.json?versionId={self.text(PLAIN, 8, 8)}"}
        return self.pick(
            [
                {"id": None, "config": config},
                {"id": self.name(), "config": config},
                {"id": self.name(), "config": config, "schemas": schemas},
            ]
        )

    def fill(self, package):
        # Few names for folders, so that they meet; many depths.
        names = [self.name() for _ in range(self.upto(8) + 2)]
        names += [names[0] + tail for tail in ("-x", ".x", " x", "0") if self.chance(0.5)]
        for _ in range(self.upto(25)):
            folders = [self.pick(names) for _ in range(self.upto(4))]
            key = "/".join([*folders, self.pick([self.pick(names), self.name(10)])])
            size = self.pick([0, 1, self.random.randrange(2**24), 2**53 + 1, 2**63, 5 * 2**40])
            entry = packages.PackageEntry(
                self.physical_key(key), size, self.hash(), self.entry_meta()
            )
            try:
                package.set(key, entry)
            except QuiltException:
                continue  # a file where a folder is, or the other way round
            if folders and self.chance(0.2):
                folder = package["/".join(folders[: self.upto(len(folders) - 1) + 1])]
                folder.set_meta(self.pick([{}, None, self.object(3)]))

    def package(self):
        package = Package()
        self.fill(package)
        if self.chance(0.7):
            package.set_meta(self.pick([None, {}, self.object(4), self.object(8)]))
        if self.chance(0.8):
            package._set_commit_message(
                self.pick([None, "", "msg ✓", self.text(PLAIN + ODD, 0, 40)])
            )
        if self.chance(0.3):
            package._workflow = self.workflow()
        return package

    def respell(self, manifest):
        """The same package in other words: entries and members in another order, other escapes."""
        header, *rest = [json.loads(line) for line in manifest.split("\n") if line]
        if self.chance(0.3):
            header["top_hash"] = self.random.randbytes(32).hex()  # very old manifests have one
        for record in rest:
            if record["meta"] == {} and self.chance(0.2):
                record["meta"] = None
        self.random.shuffle(rest)
        return "".join(self.respell_record(record) + "\n" for record in [header, *rest])

    def respell_record(self, record):
        """A record's members in another order; a size keeps its digits."""
        members = [
            f"{self.spell(name)}: {value if name == 'size' else self.spell(value)}"
            for name, value in record.items()
        ]
        self.random.shuffle(members)
        return "{" + ", ".join(members) + "}"


def one(seed):
    """One package: its manifest, its hash, and who spelled it."""
    random_packages = Packages(seed)
    package = random_packages.package()
    text = io.BytesIO()
    package.dump(text)
    manifest, top_hash = text.getvalue().decode(), package.top_hash
    spelling = "quilt3"
    if random_packages.chance(OTHER_SHARE):
        manifest, spelling = random_packages.respell(manifest), "other"
    read = Package.load(io.StringIO(manifest, newline="\n"))
    if read.top_hash != top_hash:
        raise AssertionError(f"seed {seed}: quilt3 reads {read.top_hash}, it wrote {top_hash}")
    return {"manifest": manifest, "top_hash": top_hash, "spelling": spelling, "seed": seed}


def main(out, count="5000", seed=None):
    seed = random.randrange(2**31) if seed is None else int(seed)
    entries = 0
    with open(out, "w", encoding="utf-8") as lines:
        for at in range(int(count)):
            made = one(f"{seed}/{at}")
            entries += made["manifest"].count("\n") - 1
            lines.write(json.dumps(made) + "\n")
    print(f"ok     {count} manifests of quilt3, {entries} records below their headers, seed {seed}")


if __name__ == "__main__":
    main(*sys.argv[1:])
