"""Our tools as the scenarios call them. The names are those of the issue; what the issue leaves open
(`next`, `readme`, how a list's members look) is decided here alone, to be changed in one place.
"""

import json

from place import LAB


def pairs(uris):
    """`entries` out of `{logical key: s3 URI}`."""
    return [{"logical_key": key, "s3_uri": uri} for key, uri in uris.items()]


def create(user, name, uris, registry=LAB, **how):
    how = {"copy_mode": "none", "message": "made by our tool", **how}
    if "metadata" in how:
        # As text: JSON-RPC has no number of more than 64 bits.
        how["metadata"] = json.dumps(how["metadata"])
    return user.call(
        "package_create", package_name=name, registry=registry, entries=pairs(uris), **how
    )


def browse(user, name, registry=LAB, **how):
    """All pages of the flat, recursive list: (first page, every entry)."""
    page = user.call("package_browse", package_name=name, registry=registry, **how)
    first, found = page, list(page["entries"])
    while page.get("next"):
        how["next"] = page["next"]
        page = user.call("package_browse", package_name=name, registry=registry, **how)
        found += page["entries"]
    return first, found


def rows(found):
    """Our entries in the form of `place.entries`."""
    return [(e["logical_key"], e["physical_key"], e["size"], e["hash"]) for e in found]


def diff(user, name, one, two, registry=LAB, **how):
    """(added, removed, modified) logical keys, sorted, from all pages."""
    arguments = {
        "package1_name": name,
        "package2_name": how.pop("other", name),
        "package1_hash": one,
        "package2_hash": two,
        "registry": registry,
        **how,
    }
    kinds = {"added": [], "removed": [], "modified": []}
    while True:
        page = user.call("package_diff", **arguments)
        for kind, found in kinds.items():
            found += [e if isinstance(e, str) else e["logical_key"] for e in page[kind]]
        if not page.get("next"):
            return tuple(sorted(found) for found in kinds.values())
        arguments["next"] = page["next"]
