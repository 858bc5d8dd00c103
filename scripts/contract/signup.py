"""A signup by a client that openapi-python-client made from openapi.yaml: hold the name, make the customer's place
ready, activate. docs/signup.md says why, and what to do at each failure. `scripts/contract/client.py` runs it.
"""
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
            return answer.parsed
        if answer is not None and answer.status_code < 500 and answer.status_code != 429:
            raise Refused(answer.parsed)
        time.sleep(pause)
    raise TimeoutError("the registry doesn't answer")


def sign_up(client, fqdn, tenant, provision, seconds=900):
    """Gives a customer a new domain.

    `provision(location, held)` makes the place ready and may take until `held.held_until`; what it throws ends the
    signup, and the name is free again. `Refused` says what the registry said: `domain-held`, `domain-taken` and
    `domain-quarantined` are for the customer, who takes another name.
    """
    held = insist(register_domain, client=client, body=DomainRegistration(fqdn=fqdn, tenant=tenant, hold_seconds=seconds))
    try:
        provision(held.location, held)
        # The customer's other domains may have moved meanwhile: where they are is the place that counts.
        live = insist(activate_domain, held.fqdn, client=client, body=Note(reason="signup"))
        if live.location != held.location:
            provision(live.location, live)
        return live
    except Refused as refused:
        if refused.code != "unknown-domain":
            insist(release_domain, held.fqdn, client=client, reason="the signup ended")
        raise
    except Exception:
        insist(release_domain, held.fqdn, client=client, reason="the signup ended")
        raise
