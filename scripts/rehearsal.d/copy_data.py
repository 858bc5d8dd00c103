"""What an operator's --before-cutover does: copies the writes of a wave's customers from one place to the other.

    copy_data.py BINARY SOURCE TARGET SECONDS [lose]      TENANT_REGISTRY_MIGRATION and _WAVE say whose

It takes SECONDS, as copying takes time, and hands over what the target doesn't have yet. `lose` leaves one write behind.
"""
import http.client
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from addresses import PLACES  # noqa: E402


connections = {place: http.client.HTTPConnection(address, 9001, timeout=30) for place, address in PLACES.items()}


def ask(place, method, path, body=None):
    connections[place].request(method, path, body)
    answer = connections[place].getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        sys.exit(f"{method} {path} at {place}: {answer.status} {text}")
    return text.splitlines()


def main(binary, source, target, seconds, *more):
    shown = subprocess.run(
        [binary, "migrations", "show", os.environ["TENANT_REGISTRY_MIGRATION"], "--domains", "--wave",
         os.environ["TENANT_REGISTRY_WAVE"], "--output", "ndjson"], check=True, capture_output=True, text=True).stdout
    names = [json.loads(line)["fqdn"] for line in shown.splitlines()]
    loses = "lose" in more
    for name in names:
        has = set(ask(target, "GET", f"/customers/{name}"))
        lines = [line for line in ask(source, "GET", f"/customers/{name}") if line not in has]
        if loses and lines:
            print(f"left behind: {lines.pop()}", file=sys.stderr)
            loses = False
        ask(target, "PUT", f"/customers/{name}", "".join(f"{line}\n" for line in lines))
        time.sleep(float(seconds) / len(names))


if __name__ == "__main__":
    main(*sys.argv[1:])
