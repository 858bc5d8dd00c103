"""Proxies with the configurations of deploy/, as visitors meet them, and each with a constant upstream beside it: what a
lookup adds. All have one core and one worker, releases come by scripts/proxy."""
import collections
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

from common import BUILD, ROOT, free_ports, version
import peers

# Bytes of an application's answer.
PAGE = int(os.environ.get("PROXY_PAGE", "8192"))
NGINX = """
daemon off; worker_processes 1; pcre_jit on; pid {folder}/nginx.pid; error_log stderr error; {user}
events {{ worker_connections 1024; }}
http {{ access_log {log};
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {inner}
}}
"""
# Debian's, for PyPI's can't load a module.
LUA = "nginx with Lua"
LUA_MODULES = "".join(f"load_module /usr/lib/nginx/modules/{name}.so;\n" for name in ("ndk_http_module", "ngx_http_lua_module"))
# What each file does to know where a tenant lives, from one text up to another. All else is left to a constant upstream.
LOOKUPS = {
    "nginx/maps.conf": (("map $host $tenant {", "# WebSockets"), ("        if ($tenant_answer = nobody)", "        proxy_pass")),
    "haproxy/haproxy.cfg": (("    # The whole field", "    http-request set-header X-Forwarded-Host"),
                            ("    acl reading", "    default_backend"), ("# Whoever goes to no side", "")),
    "caddy/Caddyfile": (("\t\t# What `forward_auth` is", "\t\t\treverse_proxy 127.0.0.1:9001"),
                        ("\t\t}\n\t\t@aws", "\t}\n\n\thandle_errors")),
    "envoy/envoy.yaml": (("                        # Most requests", "                        - match: {prefix: /}\n"),
                         ("                          direct_response:", "                http_filters:"),
                         ("                  - name: envoy.filters.http.ext_authz", "                  - name: envoy.filters.http.router"),
                         ("    - name: tenant_registry", "    - name: japan"))}
TRAEFIK_CONSTANT = """
http:
  routers: {{side: {{entryPoints: [visitors], rule: "PathPrefix(`/`)", service: side, middlewares: [words]}}}}
  services: {{side: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{side}"}}]}}}}}}
  middlewares: {{words: {{headers: {{customRequestHeaders: {{X-Original-Host: "", Forwarded: "", X-Tenant-Location: "",
    X-Tenant-Mode: "", X-Tenant-Revision: "", X-Tenant-Upstream: "", X-Tenant-Fenced: ""}}}}}}}}
"""


def program(name):
    own = os.environ.get(f"PROXY_{name.upper()}")
    if own:
        return own
    done = subprocess.run([ROOT / "scripts" / "proxy", name], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def configuration(path, *changes, cuts=()):
    """One of deploy/'s, with other addresses and paths, and without some of it. All must be in it."""
    text = (ROOT / "deploy" / path).read_text()
    for begin, end in cuts:
        first = text.find(begin)
        last = text.find(end, first) if end else len(text)
        if first < 0 or last < 0:
            raise SystemExit(f"deploy/{path} has nothing from {begin!r} to {end!r}")
        text = text[:first] + text[last:]
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"deploy/{path} has no {old}")
        text = text.replace(old, str(new))
    return text


class Sides:
    """Two applications that say who they are, on pages as long as a page is."""

    def __init__(self, processes):
        self.japan, self.aws = free_ports(2)
        folder = processes.folder / "sides"
        folder.mkdir()
        for name in ("japan", "aws"):
            (folder / name).write_text(name.ljust(PAGE))
        inner = "keepalive_requests 100000000; open_file_cache max=2; open_file_cache_valid 1h;" + "".join(
            f"server {{ listen 127.0.0.1:{port}; root {folder}; default_type text/html; location / {{ rewrite ^ /{name} break; }} }}"
            for name, port in (("japan", self.japan), ("aws", self.aws)))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user, log="off", inner=inner))
        processes.start("sides", ["nginx", "-e", "stderr", "-c", folder / "nginx.conf"],
                        f"http://127.0.0.1:{self.japan}/")


class Way:
    """A proxy that knows in one way or another where tenants live."""

    def __init__(self, proxy, label, process, port, beside=()):
        self.proxy, self.label, self.process, self.port = proxy, label, process, port
        self.pids = [process.pid, *(each.pid for each in beside)]

    def ask(self, host):
        """What a new visitor gets."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode().strip()
        connection.close()
        return text if answer.status == 200 else f"{answer.status}"

    def becomes(self, host, text, seconds=60):
        deadline, said = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            try:
                said = self.ask(host)
            except (OSError, http.client.HTTPException) as error:
                said = error
            if said == text:
                return
            time.sleep(0.02)
        raise SystemExit(f"{self.label}: {host} is {said}, not {text}")


Agent = collections.namedtuple("Agent", "process port socket")


class Edges:
    """Starts proxies, each on the core that isn't the load's."""

    def __init__(self, processes, sides, core):
        self.processes, self.sides, self.core, self.count = processes, sides, core, 0

    def _folder(self):
        self.count += 1
        folder = self.processes.folder / f"edge{self.count}"
        folder.mkdir()
        return folder

    def _library(self):
        folder = self.processes.folder / "library"
        if not folder.exists():
            subprocess.run([ROOT / "scripts" / "library", folder], check=True)
        return folder

    def start(self, name, *command):
        return self.processes.start(f"{name}{self.count}", ["taskset", "-c", self.core, *command])

    def agent(self, registry, *flags):
        folder, (port,) = self._folder(), free_ports(1)
        process = self.start(
            "agent", BUILD / "tenant-registry", "agent", "--upstream", f"http://127.0.0.1:{registry.port}", "--name",
            f"edge-{self.count}", "--listen", f"127.0.0.1:{port}", "--socket", folder / "agent.sock", "--state-dir", folder,
            "--token", registry.token, "--log-level", "error", "--drain-seconds", "0", *flags)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                return Agent(process, port, folder / "agent.sock")
            except OSError:
                time.sleep(0.02)
        raise SystemExit("the agent doesn't get ready")

    def _nginx(self, label, folder, port, inner, beside=(), lua=False):
        user = "user root;" if os.geteuid() == 0 else ""
        # nginx's own log, as it is where nobody says otherwise, without a disk.
        text = NGINX.format(folder=folder, user=user, log="/dev/null", inner=inner)
        (folder / "nginx.conf").write_text((LUA_MODULES if lua else "") + text)
        own = "/usr/sbin/nginx" if lua else program("nginx")
        process = self.start("nginx", own, "-e", "stderr", "-p", folder, "-c", "nginx.conf")
        return Way(LUA if lua else "nginx", label, process, port, beside)

    def _sides(self, form="127.0.0.1:{}", *which):
        """Where the two sides are, as a configuration says it."""
        sides = ((9001, self.sides.japan), (9002, self.sides.aws))
        return [(form.format(old), form.format(new)) for old, new in sides if old in (which or (9001, 9002))]

    def nginx_constant(self, lua=False):
        path, folder, (port,) = "nginx/maps.conf", self._folder(), free_ports(1)
        return self._nginx("a constant upstream", folder, port, configuration(
            path, ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(), ("http://$tenant_location", "http://japan"),
            ("Location $tenant_location", 'Location ""'), ("Mode $tenant_mode", 'Mode ""'), cuts=LOOKUPS[path]), lua=lua)

    def _shipped(self, label, file, beside=(), *own, token=None, lua=False):
        folder, (port, gate) = self._folder(), free_ports(2)
        changes = [("127.0.0.1:8000", f"127.0.0.1:{port}"), ("127.0.0.1:8001", f"127.0.0.1:{gate}"), *self._sides(), *own]
        if token:
            (folder / "token.conf").write_text(f'proxy_set_header Authorization "Bearer {token}";\n')
            changes += [("/var/cache/nginx/tenant-registry", folder / "cache"),
                        ("/etc/nginx/tenant-registry-token.conf", folder / "token.conf")]
        return self._nginx(label, folder, port, configuration(f"nginx/{file}", *changes), beside, lua)

    def nginx_asking_agent(self, agent, lua=False):
        return self._shipped("`auth_request` to an agent, `agent.conf`", "agent.conf", [agent.process],
                             ("/run/tenant-registry-agent/agent.sock", agent.socket), lua=lua)

    def nginx_shared(self, registry):
        folder, (port,) = self._folder(), free_ports(1)
        agent = self.agent(registry, "--share", folder / "routes")
        text = configuration("nginx/shared.conf", ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(),
                             ("/etc/nginx/tenant-registry", ROOT / "deploy" / "nginx"),
                             ("/run/tenant-registry/routes", folder / "routes"),
                             ("/usr/lib/libtenantroutes.so.1", self._library() / "lib/libtenantroutes.so.1"))
        return self._nginx("shared routes, `shared.conf`", folder, port, text, [agent.process], lua=True)

    def nginx_asking_registry(self, registry, label, registry_pids):
        way = self._shipped(label, "tenant-registry.conf", (), ("127.0.0.1:8080", f"127.0.0.1:{registry.port}"),
                            token=registry.token)
        way.pids += registry_pids
        return way

    def nginx_map(self, registry, label="a map and reload, an agent beside it"):
        folder, (port,) = self._folder(), free_ports(1)
        workers = f"PATH={pathlib.Path(program('nginx')).parent}:$PATH {ROOT}/deploy/nginx/workers"
        # The first maps come before nginx: nobody is there yet to be told.
        there = f"[ ! -e {folder}/nginx.pid ] ||"
        agent = self.agent(
            registry, "--write", f"nginx-map:placement:{folder}/placement.map",
            "--on-change", f"{there} {workers} reload {folder}/nginx.pid 50 -e stderr -p {folder} -c nginx.conf",
            "--confirm", f"{there} {workers} drained {folder}/nginx.pid 50")
        text = configuration("nginx/maps.conf", ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(),
                             ("/etc/nginx/tenants", folder))
        return self._nginx(label, folder, port, text, [agent.process])

    def _haproxy(self, label, folder, port, text, beside=()):
        (folder / "haproxy.cfg").write_text(text)
        # As README.md says.
        process = self.start("haproxy", "env", "GLIBC_TUNABLES=glibc.malloc.hugetlb=1", program("haproxy"), "-W", "-db", "-f", folder / "haproxy.cfg")
        return Way("HAProxy", label, process, port, beside)

    def haproxy_constant(self):
        path, folder, (port,) = "haproxy/haproxy.cfg", self._folder(), free_ports(1)
        return self._haproxy("a constant upstream", folder, port, configuration(
            path, ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(), ("/run/haproxy/admin.sock", folder / "s"),
            ("default_backend no_side", "default_backend side_japan"), cuts=LOOKUPS[path]))

    def haproxy_map(self, registry):
        folder, (port,) = self._folder(), free_ports(1)
        request = urllib.request.Request(
            f"http://127.0.0.1:{registry.port}/v1/export/haproxy-map?value=placement",
            headers={"Authorization": f"Bearer {registry.token}"})
        (folder / "placement.map").write_bytes(urllib.request.urlopen(request).read())
        way = self._haproxy("a map, an agent beside it", folder, port, configuration(
            "haproxy/haproxy.cfg", ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(), ("/etc/haproxy/tenants", folder),
            ("/run/haproxy/admin.sock", folder / "s")))
        way.becomes(peers.name(1), "japan")
        agent = self.agent(registry, "--write", f"haproxy-map:placement:{folder}/placement.map",
                              "--haproxy-socket", folder / "s")
        way.pids.append(agent.process.pid)
        return way

    def haproxy_shared(self, registry):
        folder, (port,) = self._folder(), free_ports(1)
        agent = self.agent(registry, "--share", folder / "routes")
        subprocess.run([ROOT / "scripts" / "library", folder / "library"], check=True)
        built = subprocess.run([program("haproxy"), "-vv"], check=True, capture_output=True, text=True).stdout
        lua = re.search(r"Built with Lua version : Lua (\d\.\d)", built)[1]
        text = configuration("haproxy/shared.cfg", ("127.0.0.1:8000", f"127.0.0.1:{port}"), *self._sides(),
                             ("/usr/lib/tenant-registry/lua/5.3", folder / "library/lib/lua" / lua),
                             ("/etc/haproxy/shared.lua", ROOT / "deploy" / "haproxy" / "shared.lua"),
                             ("/run/tenant-registry/routes", folder / "routes"))
        return self._haproxy("shared routes, `shared.cfg`", folder, port, text, [agent.process])

    def _caddy(self, label, folder, port, text, beside=()):
        (folder / "Caddyfile").write_text(text)
        process = self.start("caddy", "env", f"HOME={folder}", f"XDG_DATA_HOME={folder}", f"XDG_CONFIG_HOME={folder}",
                             program("caddy"), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile")
        return Way("Caddy", label, process, port, beside)

    def caddy_constant(self):
        path, folder, (port,) = "caddy/Caddyfile", self._folder(), free_ports(1)
        return self._caddy("a constant upstream", folder, port, configuration(
            path, (":8000 {", f"http://:{port} {{\n\tbind 127.0.0.1"), *self._sides("127.0.0.1:{}", 9001), cuts=LOOKUPS[path]))

    def caddy_asking_agent(self, agent):
        folder, (port,) = self._folder(), free_ports(1)
        return self._caddy("`forward_auth` to an agent", folder, port, configuration(
            "caddy/Caddyfile", (":8000 {", f"http://:{port} {{\n\tbind 127.0.0.1"), *self._sides(),
            ("127.0.0.1:8080", f"unix/{agent.socket}")), [agent.process])

    def _envoy(self, label, folder, port, text, beside=()):
        (folder / "envoy.yaml").write_text(text)
        process = self.start("envoy", program("envoy"), "-c", folder / "envoy.yaml", "--disable-hot-restart",
                             "--concurrency", "1", "-l", "error")
        return Way("Envoy", label, process, port, beside)

    def envoy_constant(self):
        path, folder, (port,) = "envoy/envoy.yaml", self._folder(), free_ports(1)
        return self._envoy("a constant upstream", folder, port, configuration(
            path, ("port_value: 8000", f"port_value: {port}"), *self._sides("port_value: {}"), (
                "- match: {prefix: /}\n", "- match: {prefix: /}\n                          route: {cluster: japan, timeout: 0s}\n"),
            cuts=LOOKUPS[path]))

    def envoy_asking_agent(self, agent):
        folder, (port,) = self._folder(), free_ports(1)
        return self._envoy("`ext_authz` to an agent", folder, port, configuration(
            "envoy/envoy.yaml", ("socket_address: {address: 127.0.0.1, port_value: 8080}", f"pipe: {{path: {agent.socket}}}"),
            ("port_value: 8000", f"port_value: {port}"), *self._sides("port_value: {}")), [agent.process])

    def envoy_shared(self, registry):
        folder, (port,) = self._folder(), free_ports(1)
        agent = self.agent(registry, "--share", folder / "routes")
        return self._envoy("shared routes, `shared.yaml`", folder, port, configuration(
            "envoy/shared.yaml", ("/usr/lib/libtenantroutes_envoy.so", self._library() / "lib/libtenantroutes_envoy.so"),
            ("/run/tenant-registry/routes", folder / "routes"), ("port_value: 8000", f"port_value: {port}"),
            *self._sides("port_value: {}")), [agent.process])

    def _traefik(self, label, folder, port, text, beside=()):
        (folder / "traefik.yaml").write_text(text)
        process = self.start("traefik", program("traefik"), f"--configFile={folder}/traefik.yaml")
        return Way("Traefik", label, process, port, beside)

    def traefik_constant(self):
        folder, (port,) = self._folder(), free_ports(1)
        (folder / "tenants.yaml").write_text(TRAEFIK_CONSTANT.format(side=self.sides.japan))
        return self._traefik("a constant upstream", folder, port, configuration(
            "traefik/file.yaml", ("127.0.0.1:8000", f"127.0.0.1:{port}"),
            ("/etc/traefik/tenants/tenants.yaml", folder / "tenants.yaml")))

    def traefik_asking_agent(self, agent):
        folder, (port, gate) = self._folder(), free_ports(2)
        (folder / "tenants.yaml").write_text(configuration(
            "traefik/tenants.yaml", ("127.0.0.1:8080", f"127.0.0.1:{agent.port}"), ("127.0.0.1:8001", f"127.0.0.1:{gate}"),
            *self._sides()))
        return self._traefik("`forwardAuth` to an agent, `tenants.yaml`", folder, port, configuration(
            "traefik/traefik.yaml", ("/etc/traefik/tenants.yaml", folder / "tenants.yaml"),
            ("127.0.0.1:8000", f"127.0.0.1:{port}"), ("127.0.0.1:8001", f"127.0.0.1:{gate}")), [agent.process])

    def traefik_list(self, count):
        """The registry's export of so many tenants."""
        folder, (port,) = self._folder(), free_ports(1)
        _, registry, token = self.processes.serve(f"list{count}", "--log-level", "error")
        for name, side in (("japan", self.sides.japan), ("aws", self.sides.aws)):
            request = urllib.request.Request(
                f"http://127.0.0.1:{registry}/v1/locations/{name}", json.dumps(
                    {"upstream": f"http://127.0.0.1:{side}", "accepts_signups": True,
                     "default_for_signups": name == "japan"}).encode(), method="PUT",
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            urllib.request.urlopen(request).read()
        table = folder / "names.csv"
        table.write_text("fqdn,location\n" + "".join(f"{peers.name(number)},japan\n" for number in range(count)))
        subprocess.run([BUILD / "tenant-registry", "import", table, "--server", f"http://127.0.0.1:{registry}",
                        "--data-dir", self.processes.folder / f"list{count}"], check=True, capture_output=True)
        return self._traefik(f"a list of {count:,} routers, `export.yaml`", folder, port, configuration(
            "traefik/export.yaml", ("127.0.0.1:8080", f"127.0.0.1:{registry}"), ("trk_REPLACE_ME", token),
            ("127.0.0.1:8000", f"127.0.0.1:{port}")))


def versions():
    said = {
        "nginx": version([program("nginx"), "-v"]), "HAProxy": version([program("haproxy"), "-v"]),
        "Caddy": version([program("caddy"), "version"]), "Envoy": version([program("envoy"), "--version"], r"/(\d+\.\d+\.\d+)/"),
        "Traefik": version([program("traefik"), "version"], r"Version:\s+([\d.]+)")}
    return ", ".join(f"{name} {number}" for name, number in said.items())
