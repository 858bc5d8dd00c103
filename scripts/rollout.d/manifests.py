"""What deploy/kubernetes says of a node's life, as kubectl renders it: the only place that times come from.

`faster` divides every one of them; the seconds after which the process ends by itself, whatever hangs, aren't a setting.
"""
import dataclasses
import json
import math
import re
import subprocess

import yaml

# After which a process ends whatever hangs: `closing` in RunningService.swift.
CLOSING = 5
# Kubernetes' own, where a manifest doesn't say: how soon a container that ended is started again (the first time), and after how
# long without a word a machine's pods are taken out of their Services.
RESTART_BACKOFF, NODE_MONITOR_GRACE = 10, 40


@dataclasses.dataclass(frozen=True)
class Probe:
    path: str
    port: int
    period: float
    timeout: float
    failures: int


@dataclasses.dataclass(frozen=True)
class HealthCheck:
    """A load balancer's, of which a Service knows nothing."""
    path: str
    port: int
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    idle_timeout: int


@dataclasses.dataclass(frozen=True)
class Lifecycle:
    args: list
    environment: dict
    ports: dict
    replicas: int
    surge: int
    unavailable: int
    min_ready: float
    grace: float
    startup: Probe
    liveness: Probe
    readiness: Probe
    restart: float
    monitor: float
    check: HealthCheck


def rendered(kubectl, overlay):
    text = subprocess.run([kubectl, "kustomize", overlay], check=True, capture_output=True, text=True).stdout
    return list(yaml.safe_load_all(text))


def one(objects, kind, name):
    found = [each for each in objects if each["kind"] == kind and re.fullmatch(name, each["metadata"]["name"])]
    if len(found) != 1:
        raise SystemExit(f"there are {len(found)} of {kind} {name} in what kubectl renders")
    return found[0]


def lifecycle(kubectl, folder, faster, drain=None):
    """- Parameter drain: another --drain-seconds than the manifest's: what somebody gets wrong."""
    objects = rendered(kubectl, folder / "overlays/postgres")
    deployment = one(objects, "Deployment", "tenant-registry")["spec"]
    pod = deployment["template"]["spec"]
    container = pod["containers"][0]
    if "lifecycle" in container:
        raise SystemExit("a node has hooks in the manifests, and nobody runs them here")
    environment = {}
    for each in container.get("envFrom", []):
        environment |= one(objects, "ConfigMap", each["configMapRef"]["name"])["data"]
    environment |= {each["name"]: each["value"] for each in container.get("env", [])}
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}

    def probe(name):
        text = container[name]
        request = text["httpGet"]
        return Probe(request["path"], ports[request["port"]], text["periodSeconds"] / faster, text["timeoutSeconds"] / faster,
                     text["failureThreshold"])

    def argument(text):
        found = re.fullmatch(r"--(drain|shutdown)-seconds=(\d+)", text)
        if not found:
            return text
        seconds = math.ceil(int(found[2]) / faster)
        return f"--{found[1]}-seconds={seconds if drain is None or found[1] != 'drain' else drain}"

    rolling = deployment["strategy"]["rollingUpdate"]
    return Lifecycle(
        args=[argument(each) for each in container["args"]], environment=environment, ports=ports,
        replicas=deployment["replicas"], surge=rolling["maxSurge"], unavailable=rolling["maxUnavailable"],
        min_ready=deployment["minReadySeconds"] / faster,
        grace=(pod["terminationGracePeriodSeconds"] - CLOSING) / faster + CLOSING,
        startup=probe("startupProbe"), liveness=probe("livenessProbe"), readiness=probe("readinessProbe"),
        restart=RESTART_BACKOFF / faster, monitor=NODE_MONITOR_GRACE / faster,
        check=health_check(rendered(kubectl, folder / "overlays/eks"), faster))


def health_check(objects, faster):
    said = one(objects, "Ingress", "tenant-registry")["metadata"]["annotations"]

    def of(name):
        return said[f"alb.ingress.kubernetes.io/{name}"]

    attributes = dict(each.split("=") for each in of("load-balancer-attributes").split(","))
    return HealthCheck(
        path=of("healthcheck-path"), port=json.loads(of("healthcheck-port")),
        interval=int(of("healthcheck-interval-seconds")) / faster, timeout=int(of("healthcheck-timeout-seconds")) / faster,
        healthy=int(of("healthy-threshold-count")), unhealthy=int(of("unhealthy-threshold-count")),
        idle_timeout=int(attributes["idle_timeout.timeout_seconds"]))
