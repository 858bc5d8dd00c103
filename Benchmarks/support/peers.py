"""Servers that answer the same lookups, each with the same 100,000 names: what people would use otherwise,
and nginx with a constant string, the least that an answer over HTTP costs."""
import base64
import json
import socket
import subprocess
import urllib.request

from common import BUILD, free_ports, wait_for

NAMES = 100_000
BARE = "bare Hummingbird route"
ANSWER = ('{"fqdn":"tenant000001.kintone.com","location":"aws","mode":"serve","tenant":"acme-inc",'
          '"revision":48211,"registered_at":"2019-09-03T01:02:03.000Z","changed_at":"2020-06-21T00:00:00.000Z"}')

# What wrk asks each of them.
LOOKUP = """
local token, kind = os.getenv("TOKEN"), os.getenv("KIND")
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(text)
  local parts = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local number = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 1, 4 do
      local digit = math.floor(number / 64 ^ (4 - place)) % 64
      local padded = (place == 3 and not b) or (place == 4 and not c)
      parts[#parts + 1] = padded and "=" or letters:sub(digit + 1, digit + 1)
    end
  end
  return table.concat(parts)
end
if token ~= "" then wrk.headers["Authorization"] = "Bearer " .. token end
math.randomseed(tonumber(os.getenv("SEED") or "1"))
local count, counter = tonumber(os.getenv("NAMES")), 0
local pattern = os.getenv("PATTERN")
request = function()
  local name = string.format(pattern, math.random(0, count - 1))
  if kind == "route" then return wrk.format("GET", "/v1/route?host=" .. name) end
  if kind == "host" then return wrk.format("GET", "/", {Host = name}) end
  if kind == "webdis" then return wrk.format("GET", "/GET/" .. name) end
  if kind == "etcd" then
    return wrk.format("POST", "/v3/kv/range", nil, '{"key":"' .. base64(name) .. '"}')
  end
  counter = counter + 1
  if kind == "put" then
    local key = os.getenv("PREFIX") .. "-" .. counter
    return wrk.format("POST", "/v3/kv/put", nil, '{"key":"' .. base64(key) .. '","value":"amFwYW4="}')
  end
  if kind == "register" then
    local body = '{"fqdn":"' .. os.getenv("PREFIX") .. "-" .. counter .. '.bench.kintone.com","tenant":"customer"}'
    return wrk.format("POST", "/v1/domains", {Authorization = "Bearer " .. token,
      ["Content-Type"] = "application/json"}, body)
  end
  return wrk.format("GET", "/v1/domains/" .. name)
end
"""

NGINX = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {extra}
  server {{ listen 127.0.0.1:{port}; default_type application/json;
    location / {{ return 200 '{answer}'; }} }} }}
"""


def name(number):
    return f"tenant{number:06d}.kintone.com"


def names():
    return (name(number) for number in range(NAMES))


def script(folder):
    path = folder / "lookup.lua"
    path.write_text(LOOKUP)
    return path


def asking(kind, token="", names=NAMES, pattern="tenant%06d.kintone.com", prefix="x"):
    """The environment of wrk's script."""
    return {"KIND": kind, "TOKEN": token, "NAMES": str(names), "PATTERN": pattern, "PREFIX": prefix}


class Peer:
    def __init__(self, label, processes, port, kind, token="", is_ours=False):
        self.label, self.port, self.kind, self.token, self.is_ours = label, port, kind, token, is_ours
        self.pids = [each.pid for each in processes]

    @property
    def has_one_worker(self):
        return self.kind in ("domain", "route", "host") and self.label != BARE

    @property
    def environment(self):
        return asking(self.kind, self.token)

    def check(self):
        """Whether it answers with what it holds of a name, and not just with 200."""
        name = "tenant000001.kintone.com"
        key = base64.b64encode(name.encode()).decode()
        path, body, expected = {
            "domain": (f"/v1/domains/{name}", None, name), "host": ("/", None, name),
            "route": (f"/v1/route?host={name}", None, ""), "webdis": (f"/GET/{name}", None, name),
            "etcd": ("/v3/kv/range", json.dumps({"key": key}).encode(), key)}[self.kind]
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if self.kind == "host":
            request.add_header("Host", name)
        answer = urllib.request.urlopen(request, timeout=5)
        text = answer.read().decode()
        if expected not in text or self.kind == "route" and not answer.headers["X-Tenant-Location"]:
            raise SystemExit(f"{self.label} doesn't know {name}: {text[:200]}")


def nginx(processes, name, label, kind, answer=ANSWER, extra=""):
    (port,) = free_ports(1)
    conf = processes.folder / f"{name}.conf"
    conf.write_text(NGINX.format(folder=processes.folder, name=name, port=port, answer=answer, extra=extra))
    process = processes.start(name, ["nginx", "-e", "stderr", "-c", conf], f"http://127.0.0.1:{port}/")
    return Peer(label, [process], port, kind)


def constant(processes):
    return nginx(processes, "nginx", "nginx return 200, one worker", "domain")


def mapped(processes):
    table = processes.folder / "names.map"
    table.write_text("".join(f"{name} '{ANSWER}';\n" for name in names()))
    extra = ("map_hash_max_size 262144; map_hash_bucket_size 128;\n"
             f"  map $host $answer {{ default ''; include {table}; }}")
    return nginx(processes, "map", "nginx map of 100,000 hosts", "host", "$answer", extra)


def webdis(processes):
    redis_port, port = free_ports(2)
    redis = processes.start("redis", ["redis-server", "--port", redis_port, "--bind", "127.0.0.1", "--save", "",
                                      "--appendonly", "no", "--dir", processes.folder])
    settings = processes.folder / "webdis.json"
    settings.write_text(json.dumps({
        "redis_host": "127.0.0.1", "redis_port": redis_port, "http_host": "127.0.0.1", "http_port": port,
        "threads": 1, "pool_size": 20, "daemonize": False, "websockets": False, "database": 0, "verbosity": 0,
        "logfile": str(processes.folder / "webdis.out")}))
    dis = processes.start("webdis", ["webdis", settings], f"http://127.0.0.1:{port}/PING")
    with socket.create_connection(("127.0.0.1", redis_port)) as connection:
        reader = connection.makefile("rb")
        batch = list(names())
        for first in range(0, NAMES, 1000):
            some = batch[first:first + 1000]
            connection.sendall(b"".join(
                f"*3\r\n$3\r\nSET\r\n${len(name)}\r\n{name}\r\n${len(ANSWER)}\r\n{ANSWER}\r\n".encode()
                for name in some))
            for _ in some:
                reader.readline()
    return Peer("webdis and Redis, both processes", [dis, redis], port, "webdis")


def etcd(processes):
    port, peer_port = free_ports(2)
    url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    process = processes.start(
        "etcd", ["etcd", "--data-dir", processes.folder / "etcd", "--listen-client-urls", url,
                 "--advertise-client-urls", url, "--listen-peer-urls", peer_url,
                 "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"default={peer_url}",
                 "--max-txn-ops", "2000", "--log-level", "error"], f"{url}/health")
    encoded = base64.b64encode(ANSWER.encode()).decode()
    batch = list(names())
    for first in range(0, NAMES, 1000):
        puts = [{"request_put": {"key": base64.b64encode(name.encode()).decode(), "value": encoded}}
                for name in batch[first:first + 1000]]
        request = urllib.request.Request(f"{url}/v3/kv/txn", json.dumps({"success": puts}).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).read()
    return Peer("etcd, HTTP gateway", [process], port, "etcd")


def bare(processes):
    (port,) = free_ports(1)
    process = processes.start("bare", [BUILD / "BareRoute", port], f"http://127.0.0.1:{port}/v1/domains/x")
    return Peer(BARE, [process], port, "domain")


def registry(processes, name, label, kind, *flags):
    process, port, token = processes.serve(name, *flags)
    table = processes.folder / "names.csv"
    if not table.exists():
        table.write_text("fqdn,location,tenant\n" + "".join(f"{each},japan,{each}\n" for each in names()))
    subprocess.run([BUILD / "tenant-registry", "import", table, "--server", f"http://127.0.0.1:{port}",
                    "--data-dir", processes.folder / name], check=True, capture_output=True)
    return Peer(label, [process], port, kind, token, is_ours=True)
