"""Large manifests for measurements, written line by line as quilt3 would write them.

    generate.py OUT COUNT [changed]

The same count makes the same file, and so the same top hash. `changed` makes another one, where one
entry of a thousand has another hash, and one is not there.
"""

import base64
import hashlib
import json
import sys
from urllib.parse import quote

HEADER = {"version": "v0", "user_meta": {"made": "to be measured"}, "message": "generated"}


def lines(count, bucket, changed=lambda at: False, dropped=lambda at: False):
    """Entries in 1,000 folders and, up to a million, in quilt3's order; some with other hashes, some
    left out. A million of them are 254 MB, which the demo's S3 just takes."""
    per_folder = max(1, count // 1000)
    yield json.dumps(HEADER)
    for at in range(count):
        if dropped(at):
            continue
        key = f"d/{at // per_folder:03}/{at % per_folder:03}.csv"
        salt = b"changed" if changed(at) else b""
        digest = hashlib.sha256(b"%d" % at + salt).digest()
        version = hashlib.md5(b"%d" % at).hexdigest()
        record = {
            "logical_key": key,
            "physical_keys": [f"s3://{bucket}/{quote(key)}?versionId={version}"],
            "size": at % 9973,
            "hash": {"type": "sha2-256-chunked", "value": base64.b64encode(digest).decode()},
            "meta": {},
        }
        yield json.dumps(record)


def write(path, count, bucket, **how):
    with open(path, "w", encoding="utf-8") as out:
        for line in lines(count, bucket, **how):
            out.write(line + "\n")


if __name__ == "__main__":
    out, count, *is_changed = sys.argv[1:]
    how = {"changed": lambda at: at % 1000 == 1, "dropped": lambda at: at % 1000 == 2}
    write(out, int(count), "quilt-alice-lab", **(how if is_changed else {}))
