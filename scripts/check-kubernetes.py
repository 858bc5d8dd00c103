#!/usr/bin/env python3
"""What scripts/check-kubernetes runs: check-kubernetes.py KUBECTL BINARY."""
import itertools
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import kubernetes_validate
import yaml

root = pathlib.Path(__file__).resolve().parent.parent
folder = root / "deploy/kubernetes"
kubectl, binary = sys.argv[1:]
# The oldest that has all that is used (preStop's sleep, containers that start first and stay), and the newest one known.
VERSIONS = ("1.30", "1.37")
# After which the process ends whatever hangs: `closing` in RunningService.swift.
CLOSING = 5
# What machines have: the control plane's, those that a node group is given, and one by which pods are ended that are there already.
TAINTS = ("node-role.kubernetes.io/control-plane:NoSchedule", "dedicated=proxies:NoSchedule", "spot=true:NoExecute")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
# What Pod Security's `restricted` lets in of volumes.
RESTRICTED = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def figure(file, pattern):
    found = re.search(pattern, (root / file).read_text(), re.M)
    if not found:
        raise SystemExit(f"{file} has nothing like {pattern}: what is measured against it stands elsewhere now")
    return float(found.group(1).replace(",", ""))


# Seconds from the start to ready with 10,000,000 names.
START = figure("docs/benchmarks.md", r"^\| 10,000,000 \|.*\| 1\.\d+ \| ([\d.]+) \(")
# How long a poll of the feed waits at most, and after what time an idle connection is closed.
POLL = figure("docs/limits.md", r"^\| a wait in `GET /v1/changes` \| (\d+) s")
IDLE = figure("docs/limits.md", r"^\| without a request \| (\d+) s")
VERSION = said(binary, "--version").strip()
OUTSIDE = {
    (kind, name): set(re.findall(r"`([^`]+)`", keys))
    for name, kind, keys in re.findall(r"^\| `([\w-]+)` \| (Secret|ConfigMap) \| ([^|]+) \|", (folder / "README.md").read_text(), re.M)
}
flags_of = {}


def flags(command):
    """The flags of a command, as its help has them. Nothing where there's no such command."""
    if command not in flags_of:
        text = subprocess.run([binary, "help", *command.split()], capture_output=True, text=True).stdout
        is_there = f"USAGE: tenant-registry {command} " in text
        flags_of[command] = set(re.findall(r"^  --([a-z-]+)", text, re.M)) if is_there else set()
    return flags_of[command]


def matches(selector, labels):
    if selector.get("matchExpressions"):
        raise SystemExit("matchExpressions aren't understood here yet")
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def tolerates(toleration, taint):
    """As the scheduler has it: without a key every one, without an effect each of them."""
    what, _, effect = taint.partition(":")
    key, _, value = what.partition("=")
    if toleration.get("effect", effect) != effect or toleration.get("key", key) != key:
        return False
    return toleration.get("operator", "Equal") == "Exists" or toleration.get("value", "") == value


class Overlay:
    def __init__(self, name, objects, everywhere):
        self.name, self.objects, self.problems = name, objects, []
        # Of all overlays: an agent's policy names the registry's pods.
        self.everywhere = everywhere

    def say(self, thing, what):
        self.problems.append(f"{self.name}: {thing['kind']} {thing['metadata']['name']}: {what}")

    def of(self, *kinds):
        return [each for each in self.objects if each["kind"] in kinds]

    def named(self, kind, name):
        return next((each for each in self.of(kind) if each["metadata"]["name"] == name), None)

    def workloads(self):
        for each in self.of(*WORKLOADS):
            pod = each["spec"]["template"]
            yield each, pod["metadata"]["labels"], pod["spec"]

    def check(self):
        for workload, labels, pod in self.workloads():
            self.check_pod(workload, labels, pod)
            for container in pod.get("initContainers", []) + pod["containers"]:
                self.check_container(workload, pod, container)
            self.check_times(workload, pod)
        for each in self.objects:
            self.check_place(each)
        for service in self.of("Service"):
            self.check_service(service)
        for budget in self.of("PodDisruptionBudget"):
            if not any(matches(budget["spec"]["selector"], labels) for _, labels, _ in self.workloads()):
                self.say(budget, "its selector matches no pod")
        for policy in self.of("NetworkPolicy"):
            self.check_policy(policy)
        for ingress in self.of("Ingress"):
            self.check_ingress(ingress)
        self.check_callers()
        return self.problems

    def check_place(self, thing):
        if thing["kind"] in ("Namespace", "StorageClass"):
            return
        namespace = thing["metadata"].get("namespace")
        if not self.named("Namespace", namespace or ""):
            self.say(thing, f"there is no namespace {namespace}")

    def check_pod(self, workload, labels, pod):
        spec = workload["spec"]
        if workload["kind"] != "Job" and not matches(spec["selector"], labels):
            self.say(workload, "its selector doesn't match its own pods")
        for spread in pod.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"], labels):
                self.say(workload, "its topology spread counts other pods than its own")
        if not self.named("ServiceAccount", pod.get("serviceAccountName", "default")):
            self.say(workload, f"there is no service account {pod.get('serviceAccountName', 'default')}")
        if pod.get("automountServiceAccountToken") is not False:
            self.say(workload, "its pods have a token of Kubernetes'")
        if pod.get("enableServiceLinks") is not False:
            self.say(workload, "Services' addresses get into the environment, where flags are looked for")
        if "serviceName" in spec and not self.named("Service", spec["serviceName"]):
            self.say(workload, f"there is no service {spec['serviceName']}")
        security = pod.get("securityContext", {})
        if not (security.get("runAsNonRoot") is True and security.get("runAsUser") == 65532):
            self.say(workload, "it isn't held to run as user 65532")
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            self.say(workload, "its system calls aren't filtered: seccompProfile")
        namespace = self.named("Namespace", workload["metadata"].get("namespace", ""))
        level = (namespace or {"metadata": {}})["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
        if level not in ("restricted", "privileged"):
            self.say(workload, "its namespace doesn't say what pods may do: pod-security.kubernetes.io/enforce")
        for volume in pod.get("volumes", []):
            kind = next(key for key in volume if key != "name")
            if level == "restricted" and kind not in RESTRICTED:
                self.say(workload, f"its namespace doesn't let a volume of the kind {kind} in")
            if kind in ("configMap", "secret"):
                source = volume[kind]
                name = source.get("name") or source["secretName"]
                for key in [each["key"] for each in source.get("items", [])] or [None]:
                    self.check_reference(workload, {"configMap": "ConfigMap", "secret": "Secret"}[kind], name, key)
        for claim in spec.get("volumeClaimTemplates", []):
            storage = claim["spec"].get("storageClassName")
            if storage and not self.named("StorageClass", storage):
                self.say(workload, f"there is no storage class {storage}")
        if workload["kind"] == "DaemonSet":
            self.check_taints(workload, pod)

    def check_taints(self, workload, pod):
        """An agent is where pods without tolerations may be, or on every machine: never on some, of which nobody has thought."""
        kept_off = [taint for taint in TAINTS if not any(tolerates(each, taint) for each in pod.get("tolerations", []))]
        if self.name.endswith(" with tainted-machines"):
            for taint in kept_off:
                self.say(workload, f"no agent comes to a machine with the taint {taint}")
        elif len(kept_off) != len(TAINTS):
            self.say(workload, "it's on machines with taints, which a component is for")

    def check_reference(self, thing, kind, name, key):
        found = self.named(kind, name)
        keys = set(found.get("data", {})) if found else OUTSIDE.get((kind, name))
        if keys is None:
            self.say(thing, f"there is no {kind} {name}, and the README doesn't say that you make one")
        elif key and key not in keys:
            self.say(thing, f"the {kind} {name} has no {key}")

    def environment(self, workload, container):
        values = {}
        for source in container.get("envFrom", []):
            kind, name = ("ConfigMap", source["configMapRef"]["name"]) if "configMapRef" in source else ("Secret", source["secretRef"]["name"])
            self.check_reference(workload, kind, name, None)
            values |= (self.named(kind, name) or {}).get("data", {})
        for each in container.get("env", []):
            origin = each.get("valueFrom", {})
            for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if field in origin:
                    self.check_reference(workload, kind, origin[field]["name"], origin[field]["key"])
            values[each["name"]] = each.get("value", "")
        return values

    def settings(self, workload, container):
        """The command and its settings, flags before the environment; nothing of a container that runs something else."""
        if not self.is_registry(container):
            return None, {}
        words = itertools.takewhile(lambda each: not each.startswith("--"), container["args"])
        values = {
            key.removeprefix("TENANT_REGISTRY_").lower().replace("_", "-"): value
            for key, value in self.environment(workload, container).items() if key.startswith("TENANT_REGISTRY_")
        }
        for each in container["args"]:
            if each.startswith("--"):
                name, _, value = each[2:].partition("=")
                values[name] = value
        return " ".join(words), values

    @staticmethod
    def is_registry(container):
        return re.search(r"/tenant-registry(?:[:@]|$)", container["image"]) is not None

    def check_container(self, workload, pod, container):
        who = container["name"]
        security = container.get("securityContext", {})
        if security.get("allowPrivilegeEscalation") is not False:
            self.say(workload, f"{who} may get more privileges")
        if security.get("readOnlyRootFilesystem") is not True:
            self.say(workload, f"{who} may write its root")
        if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get("add"):
            self.say(workload, f"{who} keeps capabilities")
        resources = container.get("resources", {})
        if not ({"cpu", "memory"} <= set(resources.get("requests", {})) and "memory" in resources.get("limits", {})):
            self.say(workload, f"{who} says not what it needs")
        image = container["image"]
        if not re.search(r"@sha256:[0-9a-f]{64}$|:[\w.-]+$", image) or image.endswith(":latest"):
            self.say(workload, f"{who} has an image without a version: {image}")
        elif self.is_registry(container) and "@" not in image and not image.endswith(f":{VERSION}"):
            self.say(workload, f"{who} has the image {image}, and this is {VERSION}")
        volumes = {each["name"] for each in pod.get("volumes", []) + [
            {"name": each["metadata"]["name"]} for each in workload["spec"].get("volumeClaimTemplates", [])]}
        mounts = {each["mountPath"]: each for each in container.get("volumeMounts", [])}
        for mount in mounts.values():
            if mount["name"] not in volumes:
                self.say(workload, f"{who} mounts {mount['name']}, which is no volume")
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
        self.environment(workload, container)
        command, settings = self.settings(workload, container)
        if command is not None:
            known = flags(command)
            if not known:
                self.say(workload, f"there is no command {command}")
            # What is in the environment for the service's sake, a command of another kind passes over.
            passed = flags("serve") - {each.removeprefix("--").partition("=")[0] for each in container["args"]}
            for flag in settings:
                is_passed = command.startswith("tokens ") and flag in passed or flag == "store-password" and "store" in known
                if flag not in known and not is_passed:
                    self.say(workload, f"{command} has no --{flag}")
            self.check_files(workload, who, settings, mounts)
            listened = {int(value.rpartition(":")[2]) for flag, value in settings.items() if flag in ("listen", "ops-listen")}
        else:
            listened = self.nginx_ports(workload, pod, container)
        if set(ports.values()) != listened:
            self.say(workload, f"{who} listens on {sorted(listened)}, and its ports are {sorted(ports.values())}")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = container.get(probe, {}).get("httpGet")
            if request and request["port"] not in ports:
                self.say(workload, f"{who}'s {probe} asks at {request['port']}, which isn't one of its ports")

    def check_files(self, workload, who, settings, mounts):
        """Whatever is read or written lies in a volume: the root can't be written, and has nothing."""
        paths = {flag: settings[flag] for flag in ("data-dir", "state-dir", "share", "token-file", "store-password-file", "ca-file", "from") if flag in settings}
        authority = re.search(r"sslrootcert=([^&]+)", settings.get("store", ""))
        if authority:
            paths["store: sslrootcert"] = authority.group(1)
        for flag, path in paths.items():
            mount = next((mounts[each] for each in mounts if path.startswith(each + "/") or path == each), None)
            if not mount:
                self.say(workload, f"{who}: {flag} is {path}, which isn't in a volume")
            elif flag in ("data-dir", "state-dir", "share") and mount.get("readOnly"):
                self.say(workload, f"{who}: {flag} is {path}, which can't be written")

    def nginx_ports(self, workload, pod, container):
        """What nginx listens on, after the script of the container before it has been run. Other programs listen nowhere."""
        if container.get("command", [""])[0] != "nginx":
            return set()
        script = next(each for each in pod["initContainers"] if each["name"] == "addresses")
        data = {}
        for volume in pod["volumes"]:
            if "configMap" in volume:
                data[volume["name"]] = (self.named("ConfigMap", volume["configMap"]["name"]) or {}).get("data", {})
        if data["nginx"].get("shared.conf") != (root / "deploy/nginx/shared.conf").read_text():
            self.say(workload, "its shared.conf isn't that of deploy/nginx")
        with tempfile.TemporaryDirectory() as there:
            for mount in script["volumeMounts"]:
                place = pathlib.Path(there + mount["mountPath"])
                place.mkdir(parents=True)
                for name, text in data.get(mount["name"], {}).items():
                    (place / name).write_text(text)
            text = script["command"][-1].replace("/etc/nginx", there + "/etc/nginx")
            environment = self.environment(workload, script)
            done = subprocess.run([*script["command"][:-1], text], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True)
            if done.returncode != 0:
                self.say(workload, f"the container addresses fails: {(done.stdout + done.stderr).strip()}")
                return set()
            file = pathlib.Path(there + "/etc/nginx/pod/shared.conf")
            shared = file.read_text()
            for name, address in environment.items():
                if f"server {address};" not in shared:
                    self.say(workload, f"the address of {name} isn't in what nginx reads")
                # Nobody here knows that name.
                shared = shared.replace(f"server {address};", "server 192.0.2.1:80;")
            file.write_text(shared)
            main = pathlib.Path(there + "/nginx.conf")
            main.write_text(data["main"]["nginx.conf"].replace("/tmp/", f"{there}/").replace("/etc/nginx/pod/", f"{there}/etc/nginx/pod/"))
            done = subprocess.run([shutil.which("nginx") or "/usr/sbin/nginx", "-t", "-q", "-e", "stderr", "-c", main], capture_output=True, text=True)
            if done.returncode != 0 or done.stderr:
                self.say(workload, f"nginx refuses its configuration: {done.stderr.strip()}")
        return {int(port) for port in re.findall(r"^ *listen (\d+);", shared + data["main"]["nginx.conf"], re.M)}

    def check_times(self, workload, pod):
        if workload["kind"] == "Job":
            return self.check_job(workload, pod)
        grace = pod["terminationGracePeriodSeconds"]
        # Containers that stay among those that come first end after the others.
        needed = 0
        for container in pod["containers"] + [each for each in pod.get("initContainers", []) if each.get("restartPolicy") == "Always"]:
            who = container["name"]
            waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            command, settings = self.settings(workload, container)
            if command not in ("serve", "agent"):
                needed += waits
                continue
            drain, shutdown = int(settings["drain-seconds"]), int(settings["shutdown-seconds"])
            needed += waits + drain + shutdown + CLOSING
            ready = container.get("readinessProbe")
            if ready and drain:
                seen = ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"]
                if not seen <= drain:
                    self.say(workload, f"{who} drains for {drain} s, and is seen as unready after {seen} s")
            start = container["startupProbe"]
            patience = start["periodSeconds"] * start["failureThreshold"]
            wanted = 10 * START + int(settings.get("store-wait", 0)) if command == "serve" else START
            if patience < wanted:
                self.say(workload, f"{who} has {patience} s to start, and should have {wanted:.0f}")
            if container["livenessProbe"]["httpGet"]["path"] != "/livez":
                self.say(workload, f"{who} is killed where its store or its registry is away: livenessProbe")
            # A container of which readiness isn't asked has no part in the pod's.
            if ready and ready["httpGet"]["path"] != "/readyz":
                self.say(workload, f"{who} is asked while it drains: readinessProbe")
            deadline = workload["spec"].get("progressDeadlineSeconds")
            if deadline and deadline < patience:
                self.say(workload, f"an update gives up after {deadline} s, and a start may take {patience}")
        if needed > grace:
            self.say(workload, f"ending takes {needed} s, and it's killed after {grace}")

    def check_job(self, job, pod):
        """A Job runs to its end, and may be applied again with another image."""
        if pod["restartPolicy"] != "OnFailure" or "ttlSecondsAfterFinished" not in job["spec"]:
            self.say(job, "it isn't tried again, or never goes away, and a Job can't be changed")
        if "activeDeadlineSeconds" not in job["spec"]:
            self.say(job, "without an image or a Secret it never ends")

    def pods(self, selector, namespace):
        return [pod for workload, labels, pod in self.workloads()
                if workload["metadata"].get("namespace") == namespace and matches(selector, labels)]

    def port_names(self, pods):
        """Names and numbers."""
        found = set()
        for pod in pods:
            for container in pod["containers"] + pod.get("initContainers", []):
                for port in container.get("ports", []):
                    found |= {port["name"], port["containerPort"]}
        return found

    def check_service(self, service):
        pods = self.pods({"matchLabels": service["spec"]["selector"]}, service["metadata"].get("namespace"))
        if len(pods) != 1:
            self.say(service, f"its selector matches the pods of {len(pods)} workloads")
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in self.port_names(pods):
                self.say(service, f"no pod of its has a port {port['targetPort']}")
            # https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html
            if port["port"] not in self.port_names(pods):
                self.say(service, f"Amazon's network policies want the pods' own port, and not {port['port']}")

    def check_policy(self, policy):
        spec = policy["spec"]
        pods = self.pods(spec["podSelector"], policy["metadata"].get("namespace"))
        if not pods:
            self.say(policy, "its selector matches no pod")
        for rule in spec.get("ingress", []):
            for port in rule.get("ports", []):
                if port["port"] not in self.port_names(pods) or not isinstance(port["port"], int):
                    self.say(policy, f"no pod of its has a port of the number {port['port']}")
        for rule in spec.get("egress", []):
            for peer in rule.get("to", []):
                if "tenant-registry" in peer.get("namespaceSelector", {}).get("matchLabels", {}).values():
                    self.check_peer(policy, peer["podSelector"], rule)

    def check_peer(self, policy, selector, rule):
        for other in self.everywhere:
            pods = other.pods(selector, "tenant-registry")
            if other.named("Namespace", "tenant-registry") and not pods:
                self.say(policy, f"it lets nobody through to the registry of {other.name}")
            for port in rule["ports"]:
                if pods and port["port"] not in other.port_names(pods):
                    self.say(policy, f"the registry of {other.name} has no port {port['port']}")

    def check_callers(self):
        """Agents are let through to the registry, at an address that it has."""
        for workload, labels, pod in self.workloads():
            for container in pod["containers"] + pod.get("initContainers", []):
                command, settings = self.settings(workload, container)
                if command != "agent":
                    continue
                found = re.fullmatch(r"http://([\w-]+)\.([\w-]+)\.svc\.cluster\.local:(\d+)", settings.get("upstream", ""))
                for other in self.everywhere:
                    namespace = other.named("Namespace", found.group(2)) if found else None
                    service = other.named("Service", found.group(1)) if found else None
                    if not found or namespace and not (service and int(found.group(3)) in [each["port"] for each in service["spec"]["ports"]]):
                        self.say(workload, f"its registry's address leads nowhere: {settings.get('upstream')}")
                        break
                    if namespace and not any(
                            matches(peer.get("podSelector", {}), labels)
                            for policy in other.of("NetworkPolicy") for rule in policy["spec"].get("ingress", [])
                            if int(found.group(3)) in [port["port"] for port in rule["ports"]]
                            for peer in rule.get("from", []) if "podSelector" in peer):
                        self.say(workload, f"the registry of {other.name} doesn't let it in")
                        break

    def check_ingress(self, ingress):
        notes = ingress["metadata"]["annotations"]

        def note(name):
            return notes[f"alb.ingress.kubernetes.io/{name}"]

        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                target = path["backend"]["service"]
                service = self.named("Service", target["name"])
                if not service or target["port"]["name"] not in [each["name"] for each in service["spec"]["ports"]]:
                    self.say(ingress, f"there is no service {target['name']} with a port {target['port']['name']}")
        pods = [pod for _, _, pod in self.workloads()]
        if int(note("healthcheck-port")) not in self.port_names(pods) or note("healthcheck-path") != "/readyz":
            self.say(ingress, "its health checks ask where no pod says whether it's ready")
        seen = int(note("healthcheck-interval-seconds")) * int(note("unhealthy-threshold-count"))
        for workload, _, pod in self.workloads():
            command, settings = self.settings(workload, pod["containers"][0])
            if command == "serve" and seen + int(note("healthcheck-timeout-seconds")) >= int(settings["drain-seconds"]):
                self.say(ingress, "its health checks are slower than the drain")
        idle = int(re.search(r"idle_timeout\.timeout_seconds=(\d+)", note("load-balancer-attributes")).group(1))
        if not POLL < idle < IDLE:
            self.say(ingress, f"its idle time-out is {idle} s, and has to be between {POLL:.0f} and {IDLE:.0f}")


def schema_problems(name, objects):
    for each in objects:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                yield f"{name}: {each['kind']} {each['metadata']['name']}: Kubernetes {version}: {getattr(error, 'message', error)}"


# An overlay, a text of its rendering and what comes in its place, and what has to be said then.
BREAKS = [
    ("agent with tainted-machines", "      - operator: Exists\n", "      - effect: NoSchedule\n        operator: Exists\n", "the taint spot=true:NoExecute"),
    ("agent with tainted-machines", "      - operator: Exists\n", "      - key: node-role.kubernetes.io/control-plane\n        operator: Exists\n", "the taint dedicated=proxies:NoSchedule"),
    ("agent", "      volumes:\n", "      tolerations:\n      - operator: Exists\n      volumes:\n", "which a component is for"),
    ("sqlite", "replicas: 1", "replicas: one", "Kubernetes 1.37: 'one' is not"),
    ("sqlite", "serviceName: tenant-registry", "serviceNam: tenant-registry", "Kubernetes 1.30:"),
    ("sqlite", "serviceName: tenant-registry", "serviceName: nobody", "there is no service nobody"),
    ("sqlite", "--event-loops=2", "--event-loop=2", "serve has no --event-loop"),
    ("sqlite", "- serve\n", "- server\n", "there is no command server"),
    ("postgres", "TENANT_REGISTRY_STORE_WAIT:", "TENANT_REGISTRY_STORE_WAITS:", "serve has no --store-waits"),
    ("sqlite", "--ops-listen=*:8081", "--ops-listen=*:8082", "registry listens on [8080, 8082]"),
    ("sqlite", "path: /livez\n            port: ops", "path: /livez\n            port: health", "asks at health"),
    ("sqlite", "targetPort: api", "targetPort: web", "no pod of its has a port web"),
    ("sqlite", "- port: 8081", "- port: ops", "no pod of its has a port of the number ops"),
    ("sqlite", "port: 8080\n    targetPort", "port: 80\n    targetPort", "want the pods' own port, and not 80"),
    ("sqlite", "      labels:\n        app.kubernetes.io/component: registry", "      labels:\n        app.kubernetes.io/component: node", "its selector doesn't match its own pods"),
    ("postgres", "  selector:\n    app.kubernetes.io/component: registry", "  selector:\n    app.kubernetes.io/component: node", "its selector matches the pods of 0 workloads"),
    ("postgres", "name: tenant-registry-store-ca", "name: tenant-registry-ca", "there is no ConfigMap tenant-registry-ca"),
    ("postgres", "- key: password", "- key: word", "the Secret tenant-registry-store has no word"),
    ("postgres", "serviceAccountName: tenant-registry", "serviceAccountName: registry", "there is no service account registry"),
    ("postgres", "sslrootcert=/etc/tenant-registry/store-ca/", "sslrootcert=/etc/ssl/", "which isn't in a volume"),
    ("sqlite", "value: /var/lib/tenant-registry/data", "value: /data", "data-dir is /data, which isn't in a volume"),
    ("postgres", "      app.kubernetes.io/component: registry\n  unhealthy", "      app.kubernetes.io/component: node\n  unhealthy", "its selector matches no pod"),
    ("postgres", "      - labelSelector:\n          matchLabels:\n            app.kubernetes.io/component: registry", "      - labelSelector:\n          matchLabels:\n            app.kubernetes.io/component: node", "counts other pods"),
    ("eks", "cidr: 10.0.0.0/16\n    ports:\n    - port: 8080", "cidr: 10.0.0.0/16\n    ports:\n    - port: 80", "no pod of its has a port of the number 80"),
    ("agent", "key: token", "key: secret", "the Secret tenant-registry-agent has no secret"),
    ("sqlite", "--drain-seconds=30", "--drain-seconds=60", "ending takes 95 s"),
    ("sqlite", "--drain-seconds=30", "--drain-seconds=5", "is seen as unready after"),
    ("sqlite", "failureThreshold: 300", "failureThreshold: 30", "has 60 s to start"),
    ("postgres", "progressDeadlineSeconds: 900", "progressDeadlineSeconds: 300", "an update gives up after 300 s"),
    ("sqlite", "path: /readyz", "path: /livez", "is asked while it drains"),
    ("sqlite", "runAsUser: 65532", "runAsUser: 0", "isn't held to run as user 65532"),
    ("sqlite", "- bootstrap\n", "- bootstrapping\n", "there is no command tokens bootstrapping"),
    ("sqlite", "secretName: tenant-registry-tokens", "secretName: tokens", "there is no Secret tokens"),
    ("postgres", "--from=/etc/tenant-registry/tokens", "--from=/etc/tokens", "from is /etc/tokens, which isn't in a volume"),
    ("postgres", "  ttlSecondsAfterFinished: 300\n", "", "a Job can't be changed"),
    ("postgres", "  activeDeadlineSeconds: 900\n", "", "without an image or a Secret it never ends"),
    ("sqlite", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "may write its root"),
    ("sqlite", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "may get more privileges"),
    ("sqlite", "- ALL", "- NET_RAW", "keeps capabilities"),
    ("sqlite", "type: RuntimeDefault", "type: Unconfined", "its system calls aren't filtered"),
    ("sqlite", "automountServiceAccountToken: false\n      containers", "automountServiceAccountToken: true\n      containers", "a token of Kubernetes'"),
    ("sqlite", "enableServiceLinks: false", "enableServiceLinks: true", "get into the environment"),
    ("sqlite", "          limits:\n            memory: 2Gi\n", "", "says not what it needs"),
    ("sqlite", "tenant-registry:0.1.0", "tenant-registry:latest", "an image without a version"),
    ("sqlite", "tenant-registry:0.1.0", "tenant-registry:0.0.1", f"and this is {VERSION}"),
    ("sqlite", "mountPath: /var/lib/tenant-registry\n          name: data", "mountPath: /var/lib/tenant-registry\n          name: date", "which is no volume"),
    ("sqlite", "  name: tenant-registry\n  namespace: tenant-registry", "  name: tenant-registry\n  namespace: registry", "there is no namespace registry"),
    ("agent", "enforce: privileged", "enforce: restricted", "doesn't let a volume of the kind hostPath in"),
    ("agent", "TENANT_REGISTRY_UPSTREAM: http://tenant-registry.", "TENANT_REGISTRY_UPSTREAM: http://registry.", "its registry's address leads nowhere"),
    ("agent", 'tenant-registry/client: "true"', 'tenant-registry/client: "no"', "doesn't let it in"),
    ("agent", "app.kubernetes.io/component: registry", "app.kubernetes.io/component: node", "it lets nobody through to the registry of"),
    ("sidecar", "server 127.0.0.1:9001;\n", "server 127.0.0.1:9101;\n", "the container addresses fails"),
    ("sidecar", "worker_connections 16384;", "worker_connection 16384;", "nginx refuses its configuration"),
    ("sidecar", "listen 8002;", "listen 8003;", "nginx listens on [8000, 8003]"),
    ("sidecar", "seconds: 15", "seconds: 90", "ending takes 105 s"),
    ("eks", "idle_timeout.timeout_seconds=65", "idle_timeout.timeout_seconds=60", "its idle time-out is 60 s"),
    ("eks", 'healthcheck-port: "8081"', 'healthcheck-port: "8082"', "its health checks ask where"),
    ("eks", 'unhealthy-threshold-count: "2"', 'unhealthy-threshold-count: "10"', "its health checks are slower than the drain"),
    ("eks", "              name: api", "              name: web", "there is no service tenant-registry with a port web"),
    ("eks-sqlite", "storageClassName: tenant-registry-gp3", "storageClassName: gp4", "there is no storage class gp4"),
]


class Started:
    """A container's command, run here: with its own arguments and environment, but for places and ports of this machine."""

    # Long enough to look at, shorter than anybody wants to wait.
    DRAIN = 2

    def __init__(self, overlay, workload, container, there, changes=()):
        self.container, self.ports = container, {}
        sockets = [(port, socket.create_server(("127.0.0.1", 0))) for port in container.get("ports", [])]
        replaced = list(changes) + [("/var/lib/", f"{there}/"), ("/etc/", f"{there}/"), ("/run/", f"{there}/")]
        for port, each in sockets:
            self.ports[port["name"]] = each.getsockname()[1]
            replaced.append((f"*:{port['containerPort']}", f"127.0.0.1:{each.getsockname()[1]}"))
            each.close()

        def here(text):
            text = re.sub(r"^--drain-seconds=[1-9]\d*$", f"--drain-seconds={self.DRAIN}", text)
            for old, new in replaced:
                text = text.replace(old, new)
            return text

        environment = {key: here(value) for key, value in overlay.environment(workload, container).items() if value}
        self.process = subprocess.Popen([binary, *map(here, container["args"])], env={"PATH": "/usr/bin:/bin", **environment},
                                        stdout=subprocess.DEVNULL, stderr=open(f"{there}/{container['name']}.log", "ab"))

    def probe(self, name):
        """The status that a probe gets; 0 where nobody answers."""
        request = self.container[name]["httpGet"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[request['port']]}{request['path']}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def until(self, name, status, seconds=60):
        deadline = time.monotonic() + seconds
        while self.probe(name) != status:
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def check(self, what):
        """Its probes while it runs, and while it ends."""
        if not (self.until("startupProbe", 200) and self.until("readinessProbe", 200) and self.probe("livenessProbe") == 200):
            yield f"{what}: its probes never say that it's well"

    def end(self, what):
        self.process.terminate()
        is_told = self.until("readinessProbe", 503, self.DRAIN)
        if not is_told or self.probe("livenessProbe") != 200:
            yield f"{what}: it drains, and its probes don't say so"
        try:
            code = self.process.wait(self.DRAIN + 10)
        except subprocess.TimeoutExpired:
            code = "nothing"
        if code != 0:
            yield f"{what}: it ended with {code}"


def run_for_real(everything):
    """The registry with SQLite, its first tokens before it, and an agent beside it, as their pods start them."""
    overlay = next(each for each in everything if each.name == "sqlite")
    [(workload, _, pod)] = overlay.workloads()
    edge = next(each for each in everything if each.name == "agent")
    [(daemons, _, edge_pod)] = edge.workloads()
    started = []
    with tempfile.TemporaryDirectory() as there:
        for folder in ("tenant-registry", "tenant-registry/tokens", "tenant-registry-agent"):
            pathlib.Path(there, folder).mkdir()
        token = said(binary, "tokens", "generate")
        pathlib.Path(there, "tenant-registry/tokens/ops.admin").write_text(token)
        pathlib.Path(there, "tenant-registry-agent/token").write_text(token)
        try:
            # Twice, for a pod that starts again.
            for _ in range(2):
                bootstrap = Started(overlay, workload, pod["initContainers"][0], there)
                if bootstrap.process.wait(60) != 0:
                    yield f"sqlite: bootstrap ended with {bootstrap.process.returncode}"
            started.append(Started(overlay, workload, pod["containers"][0], there))
            yield from started[0].check("sqlite: registry")
            address = re.search(r"UPSTREAM: (\S+)", texts["agent"]).group(1)
            # A machine's name, as Kubernetes puts it in.
            edge_pod["containers"][0]["env"][0]["value"] = "node-1"
            started.append(Started(edge, daemons, edge_pod["containers"][0], there, [(address, f"http://127.0.0.1:{started[0].ports['api']}")]))
            yield from started[1].check("agent: agent")
            if not pathlib.Path(there, "tenant-registry/routes").exists():
                yield "agent: agent: it shares no file"
            for each, what in zip(reversed(started), ("agent: agent", "sqlite: registry")):
                yield from each.end(what)
        finally:
            for each in started:
                each.process.kill()
                each.process.wait()


# Components that an operator adds to an overlay of theirs, and to which they're added here.
ADDED = {"webhooks": "sqlite", "tainted-machines": "agent"}


def render(overlay, name):
    done = subprocess.run([kubectl, "kustomize", overlay], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise SystemExit(f"{name}: {done.stderr.strip()}")
    return done.stdout


def rendered():
    texts = {each.name: render(each, each.name) for each in sorted((folder / "overlays").iterdir())}
    for component, overlay in ADDED.items():
        with tempfile.TemporaryDirectory() as made:
            made = pathlib.Path(made).resolve()
            said = {"resources": [os.path.relpath(folder / "overlays" / overlay, made)],
                    "components": [os.path.relpath(folder / "components" / component, made)]}
            (made / "kustomization.yaml").write_text(yaml.safe_dump(said))
            texts[f"{overlay} with {component}"] = render(made, component)
    return texts


def overlays(texts):
    made = [Overlay(name, list(yaml.safe_load_all(text)), []) for name, text in texts.items()]
    for each in made:
        each.everywhere = made
    return made


texts = rendered()
everything = overlays(texts)
problems = [problem for each in everything for problem in each.check()]
problems += [problem for each in everything for problem in schema_problems(each.name, each.objects)]

problems += run_for_real(everything) if not problems else []

blind = []
for name, old, new, expected in BREAKS if not problems else []:
    if old not in texts[name]:
        blind.append(f"{name} has no {old!r} any more, which was to be broken")
        continue
    broken = next(each for each in overlays(texts | {name: texts[name].replace(old, new)}) if each.name == name)
    found = schema_problems(name, broken.objects) if "Kubernetes 1." in expected else broken.check()
    if not any(expected in problem for problem in found):
        blind.append(f"{name}, with {new!r} in the place of {old!r}: nobody said {expected!r}")
problems += blind

print("\n".join(problems) or f"deploy/kubernetes: {len(texts)} overlays, {sum(len(each.objects) for each in everything)} objects, "
      f"good for Kubernetes {' and '.join(VERSIONS)}; each of {len(BREAKS)} faults was noticed")
sys.exit(1 if problems else 0)
