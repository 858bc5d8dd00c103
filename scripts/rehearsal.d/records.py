"""What the visitors' process notes, a line each, and how it's read while it's written. Times are the wall clock's, in seconds."""
import collections
import json

# One question to the resolver: `address` is None, or a list, where it isn't one address.
Dns = collections.namedtuple("Dns", "begun ended name code address ttl validated")
# One request: `side` and `mode` are the application's words; `proxy` is who served, in the balancer's words.
Web = collections.namedtuple("Web", "begun ended name method key address status side mode proxy")
# One signup: `ended` when the name was held; `told` when the customer was; `trouble` is why it came to nothing.
Signup = collections.namedtuple("Signup", "begun ended name location activated revision told trouble")
KINDS = {"dns": Dns, "web": Web, "signup": Signup}
# No record is written later than so long after it began, in seconds.
LATEST = 15


def line(record):
    return json.dumps([type(record).__name__.lower(), *record])


class Seen:
    """All records so far."""

    def __init__(self, path):
        self.path, self.records, self.place, self.rest = path, [], 0, b""

    def read(self):
        with open(self.path, "rb") as file:
            file.seek(self.place)
            data = file.read()
        self.place += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for kind, *values in map(json.loads, lines):
            self.records.append(KINDS[kind](*values))
        return self.records

    def of(self, kind):
        return [each for each in self.read() if isinstance(each, kind)]

    def since(self, kind, moment):
        """Of one kind, begun after a moment, in the order in which they ended."""
        found = []
        for record in reversed(self.read()):
            if record.begun < moment - LATEST:
                break
            if isinstance(record, kind) and record.begun > moment:
                found.append(record)
        return found[::-1]
