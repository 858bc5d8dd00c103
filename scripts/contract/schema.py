"""Schemathesis against a registry of its own: all checks, as an administrator; then the examples as a reader, who is
refused most of them. What it may do is in schemathesis.toml and hooks.py. Run by scripts/try-contract.
"""
import json
import os
import subprocess
import sys
import urllib.request

from registry import registry, root

# What takes longer than this hangs: two minutes are usual on two idle cores.
limit_seconds = 900


def run(url, token, *phases):
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "scripts/contract/schemathesis.toml"]
    environment = {**os.environ, "REGISTRY_URL": url, "REGISTRY_TOKEN": token, "PYTHONPATH": "scripts/contract"}
    subprocess.run(
        [*command, "run", "openapi.yaml", "--phases", ",".join(phases)],
        cwd=root, env=environment, check=True, timeout=limit_seconds)


def token_of(url, admin, role):
    request = urllib.request.Request(
        f"{url}/v1/tokens", json.dumps({"name": f"schema-{role}", "role": role}).encode(),
        {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


with registry() as (url, token):
    run(url, token_of(url, token, "reader"), "examples")
    run(url, token, "examples", "coverage", "fuzzing", "stateful")
