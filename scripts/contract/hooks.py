"""What Schemathesis can't read from openapi.yaml, because OpenAPI 3.0 can't say it."""
import itertools
import json
import os
import re

import schemathesis
from hypothesis import strategies

# Names as people write them. What else IDNA takes is mostly a single label, which no domain is.
label = strategies.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda text: text[2:4] != "--" and not text.isdigit()
)
schemathesis.openapi.format(
    "idn-hostname",
    strategies.tuples(
        strategies.one_of(label, strategies.sampled_from(["acme", "ACME", "bücher", "日本語", "xn--bcher-kva"])),
        strategies.sampled_from(["kintone.com", "example.com", "cybozu.cn", "Kintone.com."]),
    ).map(".".join),
)


@schemathesis.deserializer("application/x-ndjson")
def first_line(context, response):
    """The schema is a line's. What stands in the others, the tests of the service check."""
    return json.loads(response.content.split(b"\n", 1)[0])


@schemathesis.serializer("text/csv", "text/dns", "application/x-ndjson")
def as_text(context, value):
    """Lists of names, and master files, whose schema is any text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Shortens waits for what won't come, and keeps the run from cutting off its own branch."""
    query = case.query or {}
    # Of another epoch every request would be refused: the run's own revisions are numbers.
    for name in ("min_revision", "after", "revision", "changed_since"):
        position = re.fullmatch(r"[a-z0-9]+\.(\d{1,18})", str(query.get(name)))
        if position and not re.fullmatch(r"\d+\.\d+", query[name]):
            query[name] = position[1]
    # A revision ahead of the head takes 5 s each time.
    if re.fullmatch(r"\d{1,19}", str(query.get("min_revision"))) and int(query["min_revision"]) < 2**63:
        query["min_revision"] = 0
    for name in ("wait", "timeout"):
        if re.fullmatch(r"\d{1,3}(\.\d+)?", str(query.get(name))) and float(query[name]) <= 300:
            query[name] = 0.01
    # The document's examples of these exclude what stands beside them, and each request would be refused for it.
    for name, example in (("at", "2020-06-21T00:00:00Z"), ("cursor", "YWNtZS5raW50b25lLmNvbQ")):
        if query.get(name) == example:
            del query[name]
    # The document's one key would stand for one request, and refuse all others.
    headers = case.headers or {}
    if headers.get("Idempotency-Key") == "8e03978e-40d5-43dd-bc93-6894a57f9324":
        headers["Idempotency-Key"] = f"run-{next(keys)}"
    # With its own token revoked, the rest of the run would be told 401.
    if case.path == "/v1/tokens/{id}" and (case.path_parameters or {}).get("id") == own_token:
        case.path_parameters["id"] = "another"


keys = itertools.count()
own_token = os.environ["REGISTRY_TOKEN"].split("_")[1]


# Refusals of what each field by itself allows, by where and how: no schema has words for them.
beyond_schemas = [
    (r"", "invalid-cursor"),  # A cursor is opaque: only one that the list gave is any good.
    (r"\?\w+", "conflict"),  # Two parameters exclude each other, or one goes with another.
    (r"\?at", "in-the-future"),  # What time it is.
    (r"/expires_at", "out-of-range"),  # The same.
    (r"\?(since|step)", "too-many-moments"),  # How many steps there are between two times, and locations.
    (r"/(epoch|revision)", "required"),  # An agent's report has both or neither.
    (r"/to", "invalid"),  # A migration to where it comes from.
    (r"/upstream", "invalid"),  # The groups of an IPv6 address, the numbers of an IPv4 address, a name's length.
    (r"/url", "invalid"),  # The same of a webhook's, and what resolvers take for a number.
    (r"/waves/\d+", "invalid"),  # The rest, and not as the last wave.
    (r"Last-Event-ID", "invalid"),  # Schemathesis 4.32 takes "0" for valid, which the pattern isn't.
    (r"\?(zone|default)", "required"),  # Of those exports that are a zone's.
    (r"\?default", "unknown"),  # Which locations there are.
    (r"", "invalid-zone"),  # A master file is a text, and not every text is one.
    (r"\?limit", "invalid"),  # History's: a page has 1000 items at most, a stream has any number.
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps all failures, but such refusals of valid data, and what each of the others below says."""
    if failure.code == "ST202" and response.status_code == 400:
        if case.method == "HEAD":
            # The same handler as GET's, which is asked too, and no body that could tell why.
            return False
        problem = response.json()
        found = [(each["pointer"], each["code"]) for each in problem.get("errors", [])] or [("", problem["code"])]
        return not all(
            any(re.fullmatch(pointer, where) and code == what for pointer, code in beyond_schemas)
            for where, what in found
        )
    # A released name has a history, and an answer to whether it's free.
    if failure.code == "ST301" and case.path.endswith(("/history", "/availability")):
        return False
    # HTTP's: a header field that a server doesn't know is none of its business.
    if failure.code == "ST201" and "in header - object with unexpected properties" in failure.message:
        return False
    # A list of names is any text: what is no name in it is a finding. A master file is one, too: an empty one has nothing of the operator's.
    if failure.code == "ST201" and case.path in ("/v1/drift", "/v1/export/{format}") and "in body" in failure.message:
        return False
    # What proxies ask has a visitor's text in it: parameters that they don't know are nobody's.
    if failure.code == "ST201" and case.path.startswith(("/v1/route", "/v1/tls-ask")):
        if "additionalProperties" in failure.message:
            return False
    # Behind `host` stands a visitor's text: what looks like a parameter there is none.
    _, _, behind = "&".join(case.query or {}).partition("host")
    is_behind_host = case.path == "/v1/route" and "min_revision" in behind
    return not (failure.code == "ST201" and is_behind_host and "min_revision" in failure.message)
