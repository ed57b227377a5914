"""One line per check, and what reached moto meanwhile."""

from aws import BUCKETS

FAILED = []


def check(name, got, wanted):
    good = got == wanted
    print(f"ok     {name}" if good else f"FAILED {name}: {got!r}, but {wanted!r} was due")
    if not good:
        FAILED.append(name)


class Watch:
    """What reached moto since it was made."""

    def __init__(self, moto):
        self.moto, self.before = moto, len(moto.requests())

    def seen(self):
        return self.moto.requests()[self.before :]

    def statuses(self):
        """Statuses of all requests, each once."""
        return sorted({status for _, _, status in self.seen()})

    def in_bucket(self, user):
        """Statuses of the requests for that user's bucket, each once."""
        inside = f"/{BUCKETS[user]}"
        return sorted({status for _, path, status in self.seen() if path.startswith(inside)})
