"""The main jobs by a client that openapi-python-client made from openapi.yaml: register, look up, change, sign up, register
many, plan, freeze, cut over, roll back, read history. Every parameter that has a default is sent with it, as such
clients do. Run by scripts/try-contract, which makes the client in .build/contract.
"""
import importlib
import json
import os
import re
import subprocess
import sys

import yaml

from registry import registry, root

sys.path.insert(0, str(root / ".build/contract"))
client_module = importlib.import_module("registry_client")
models = importlib.import_module("registry_client.models")
signup = importlib.import_module("signup")


def operations():
    """What the document has: the module of each operation, by its id in Python's words."""
    document = yaml.safe_load((root / "openapi.yaml").read_text())

    def snake(name):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()

    return {
        snake(operation["operationId"]): f"registry_client.api.{snake(operation['tags'][0])}"
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


known = operations()


def call(operation, *arguments, status=200, **keywords):
    """One call; what comes back has to be the type that the document promises, with this status."""
    module = importlib.import_module(f"{known[operation]}.{operation}")
    answer = module.sync_detailed(*arguments, client=client, **keywords)
    if answer.status_code != status:
        raise SystemExit(f"{operation}: {int(answer.status_code)} and not {status}: {answer.content.decode()}")
    if status != 204 and answer.parsed is None:
        raise SystemExit(f"{operation}: the client doesn't understand {answer.content.decode()}")
    return answer.parsed


def headers(operation, *arguments):
    module = importlib.import_module(f"{known[operation]}.{operation}")
    return module.sync_detailed(*arguments, client=client).headers


def same(what, is_so, should):
    if is_so != should:
        raise SystemExit(f"{what} is {is_so!r} and not {should!r}")


def one_domain():
    registration = models.DomainRegistration(fqdn="Acme.Kintone.com.", tenant="acme-inc", reason="signup")
    new = call("register_domain", body=registration, status=201, idempotency_key="client-1")
    same("the name", new.fqdn, "acme.kintone.com")
    again = call("register_domain", body=registration, status=201, idempotency_key="client-1")
    same("the repeated answer", again, new)
    taken = call("register_domain", body=registration, status=409)
    same("the problem", taken.code.value, "domain-taken")

    same("the domain", call("get_domain", new.fqdn), new)
    same("the missing one", call("get_domain", "nobody.kintone.com", status=404).code.value, "unknown-domain")
    results = call("look_up_domains", body=models.LookupRequest(fqdns=[new.fqdn, "nobody.kintone.com"])).results
    same("the first result", results[0], new)
    same("the second", results[1].code.value, "unknown-domain")
    free = call("get_availability", "nobody.kintone.com")
    same("the availability", free.available, True)

    etag = headers("get_domain", new.fqdn)["etag"]
    patch = models.DomainPatch(mode=models.Mode.READ_ONLY, tenant=None, ticket="OPS-1")
    response = call("change_domain", new.fqdn, body=patch, if_match="*")
    same("the mode", response.mode, models.Mode.READ_ONLY)
    same("the lost update", call("change_domain", new.fqdn, body=patch, if_match=etag, status=412).status, 412)
    call("release_domain", new.fqdn, reason="trying", status=204)
    same("the released one", call("get_domain", new.fqdn, status=404).status, 404)
    same("the restored one", call("restore_domain", new.fqdn, body=models.Note(reason="back")).tenant, models_unset())


def models_unset():
    return importlib.import_module("registry_client.types").UNSET


def signups():
    places = []
    live = signup.sign_up(client, "hooli.kintone.com", "hooli", lambda location, held: places.append((location, held)))
    same("the place", (live.location, live.fqdn), (places[0][0], "hooli.kintone.com"))
    same("what was held", places[0][1].state.value, "held")

    def fail(location, held):
        same("the others", [each.fqdn for each in call("list_domains", state=models.ListDomainsState.HELD).items], [held.fqdn])
        same("the availability", call("get_availability", held.fqdn).code.value, "domain-held")
        raise RuntimeError("no room")

    try:
        signup.sign_up(client, "piper.kintone.com", "piper", fail)
    except RuntimeError:
        same("the name", call("get_availability", "piper.kintone.com").available, True)
    try:
        signup.sign_up(client, "hooli.kintone.com", "hooli", fail)
    except signup.Refused as refused:
        same("the refusal", refused.code, "domain-taken")
    actions = [each.action.value for each in call("get_domain_history", "piper.kintone.com").items]
    same("the history", actions, ["hold_released", "held"])

    def too_late(location, held):
        call("activate_domain", held.fqdn)
        raise RuntimeError("no room")

    # What went live under its hands isn't deleted.
    try:
        signup.sign_up(client, "piper.kintone.com", "piper", too_late)
    except RuntimeError:
        same("the domain", call("get_domain", "piper.kintone.com").tenant, "piper")
    for name in ("hooli.kintone.com", "piper.kintone.com"):
        call("release_domain", name, status=204)


def signup_in_a_shell(url):
    """The lines of docs/signup.md, as somebody pastes them."""
    text = (root / "docs/signup.md").read_text()
    lines = re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)
    lines = re.sub(r"^URL=.*$", f"URL={url}", lines, flags=re.MULTILINE)
    # The customer of before has given that name back, and it's somebody else's for 90 days.
    lines = lines.replace("hooli.kintone.com", "hooli.example.com")
    token = call("create_token", body=models.TokenRequest(name="signup", role=models.Role("registrar")), status=201).token
    shell = subprocess.run(["bash", "-euc", lines], env={**os.environ, "TOKEN": token}, capture_output=True, text=True)
    same("the shell's errors", (shell.returncode, shell.stderr), (0, ""))
    answers = [json.loads(line) for line in shell.stdout.replace("}{", "}\n{").splitlines() if line]
    same("the availability", answers[0]["available"], True)
    same("the hold", (answers[1]["state"], answers[1]["tenant"]), ("held", "hooli"))
    same("the domain", (answers[2]["fqdn"], "state" in answers[2]), ("hooli.example.com", False))
    # A registrar gives back holds, not what is live.
    same("the end", answers[3]["code"], "forbidden")
    call("release_domain", "hooli.example.com", status=204)


def many_domains():
    rows = [models.BatchRow(fqdn=f"t{number}.kintone.com", location="japan") for number in range(5)]
    batch = models.BatchRegistration(domains=[*rows, models.BatchRow(fqdn="a_b.kintone.com")], reason="take over")
    results = call("register_domains", body=batch).results
    same("the rows", [each.status.value for each in results], ["registered"] * 5 + ["refused"])
    same("the refusal", results[-1].code.value, "invalid-fqdn")
    page = call("list_domains", suffix="kintone.com", limit=3)
    same("the page", len(page.items), 3)
    rest = call("list_domains", suffix="kintone.com", limit=1000, cursor=page.next_cursor)
    same("the rest", len(rest.items), 3)
    counts = {each.location: each.domains for each in call("get_statistics").locations}
    same("the counts", counts, {"aws": 0, "japan": 6})


def moves():
    selection = models.SelectNames(fqdns=[f"t{number}.kintone.com" for number in range(5)])
    waves = [models.WaveRequestType0(count=2), models.WaveRequestType2(rest=True)]
    plan = models.PlanRequest(
        from_="japan", to="aws", select=selection, waves=waves, freeze=models.PlanRequestFreeze.READ_ONLY)
    preview = call("plan_migration", body=plan, dry_run=models.PlanMigrationDryRun.TRUE)
    made = call("plan_migration", body=plan, status=201)
    same("the digest", made.plan_digest, preview.plan_digest)
    same("the sizes", [each.size for each in made.waves], [2, 3])

    sizes = {each.number: each.size for each in made.waves}
    agreement = {number: {"plan_digest": made.plan_digest, "expected_count": size} for number, size in sizes.items()}
    for number in sizes:
        freeze = models.FreezeRequest(**agreement[number], deadline_seconds=600)
        same("the frozen", call("freeze_wave", made.id, number, body=freeze).frozen, sizes[number])
    call("thaw_wave", made.id, 2, body=models.Note())
    call("freeze_wave", made.id, 2, body=models.FreezeRequest(**agreement[2], deadline_seconds=600))
    for number in sizes:
        cutover = models.CutoverRequest(**agreement[number])
        same("the moved", call("cut_over_wave", made.id, number, body=cutover).moved, sizes[number])
    back = call("roll_back_wave", made.id, 1, body=models.RollbackRequest(reason="too early"))
    same("the rolled back", back.rolled_back, 2)
    waited = call(
        "roll_back_wave", made.id, 2, body=models.RollbackRequest(), wait=models.RollBackWaveWait.CONVERGED)
    same("the agents", waited.convergence.agents, 0)
    same("the places", {call("get_domain", name).location for name in selection.fqdns}, {"japan"})
    same("the state", call("finalize_migration", made.id, body=models.Note()).state.value, "finalized")
    names = call("list_migration_domains", made.id).items
    same("the names", {each.status.value for each in names}, {"rolled_back"})
    same("the list", [each.id for each in call("list_migrations").items], [made.id])
    return made


def webhooks():
    wanted = models.WebhookSettings(
        url="https://chat.example/in?key=1", actions=[models.Action.MOVED, models.Action.FROZEN])
    made = call("put_webhook", "chat", body=wanted, status=201)
    same("the secret", made.secret.startswith("whsec_"), True)
    same("the secret that stays", call("put_webhook", "chat", body=wanted).secret, models_unset())
    shown = call("get_webhook", "chat")
    same("what is left", (shown.url, shown.behind, shown.given_up), (wanted.url, 0, 0))
    same("the webhooks", [each.name for each in call("list_webhooks").items], ["chat"])
    plain = models.WebhookSettings(url="http://chat.example", actions=[models.Action.MOVED])
    same("the refusal", call("put_webhook", "chat", body=plain, status=422).code.value, "webhook-forbidden")
    call("delete_webhook", "chat", status=204)
    same("the deleted one", call("get_webhook", "chat", status=404).code.value, "unknown-webhook")


def history(migration):
    items = call("get_domain_history", "t0.kintone.com").items
    same("the actions", [each.action.value for each in items], ["rolled_back", "moved", "frozen", "registered"])
    same("the reason", items[0].reason, "too early")
    same("what was before", items[1].before.location, "japan")
    of_migration = call("list_history", migration=migration.id, order=models.ListHistoryOrder.ASC).items
    same("the first", of_migration[0].action.value, "migration_planned")
    same("the log", call("verify_history").ok, True)


with registry() as (url, token):
    client = client_module.AuthenticatedClient(base_url=url, token=token)
    for name, package in known.items():
        importlib.import_module(f"{package}.{name}")
    one_domain()
    signups()
    signup_in_a_shell(url)
    many_domains()
    webhooks()
    history(moves())
print(f"a client made from openapi.yaml has all {len(known)} operations, and did its work")
