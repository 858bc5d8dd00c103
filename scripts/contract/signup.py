"""A signup by a client that openapi-python-client made from openapi.yaml: hold the name, make the customer's place
ready, activate. docs/signup.md says why, and what to do at each failure. `scripts/contract/client.py` runs it.
"""
import datetime
import time
import uuid

import httpx
from registry_client.api.domains import activate_domain, register_domain, release_domain
from registry_client.models import DomainRegistration, Note


class Refused(Exception):
    """The registry said no, and will say so again: `code` tells why."""

    def __init__(self, problem):
        super().__init__(problem.detail)
        self.code = problem.code.value


def insist(operation, *arguments, client, **keywords):
    """Asks until there is an answer. The key makes a repeated request the same one: what was done isn't done again."""
    key = str(uuid.uuid4())
    for pause in (0.1, 0.3, 1, 3, 10):
        try:
            answer = operation.sync_detailed(*arguments, client=client, idempotency_key=key, **keywords)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code < 400:
            return answer
        if answer is not None and answer.status_code < 500 and answer.status_code != 429:
            raise Refused(answer.parsed)
        time.sleep(pause)
    raise TimeoutError("the registry doesn't answer")


def give_back(client, held, tag):
    """Frees a name that came to nothing: only as long as it's this hold, for what went live meanwhile isn't ours to delete."""
    try:
        insist(release_domain, held.fqdn, client=client, if_match=tag, reason="the signup ended")
    except Refused:
        pass


def activate(client, held, tag, pause=5):
    """Lets visitors in. The customer's other domains may just be moving: that takes minutes, and the hold stays."""
    while True:
        try:
            return insist(activate_domain, held.fqdn, client=client, body=Note(reason="signup")).parsed
        except Refused as refused:
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=pause)
            if refused.code == "domain-in-migration" and end < held.held_until:
                time.sleep(pause)
                continue
            give_back(client, held, tag)
            raise


def sign_up(client, fqdn, tenant, provision, seconds=900):
    """Gives a customer a new domain.

    `provision(location, domain)` makes the place ready and may take until the hold's end; what it throws then ends the
    signup, and the name is free again. `Refused` says what the registry said: `domain-held`, `domain-taken` and
    `domain-quarantined` are for the customer, who takes another name. `TimeoutError` of the activation leaves open whether
    the name is live: look, before anything else. Once it's live it stays so, also where the second `provision` throws.
    """
    answer = insist(register_domain, client=client, body=DomainRegistration(fqdn=fqdn, tenant=tenant, hold_seconds=seconds))
    held, tag = answer.parsed, answer.headers["ETag"]
    try:
        provision(held.location, held)
    except Exception:
        give_back(client, held, tag)
        raise
    live = activate(client, held, tag)
    # The customer's other domains may have moved meanwhile: where they are is the place that counts.
    if live.location != held.location:
        provision(live.location, live)
    return live
