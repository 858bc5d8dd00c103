"""What the benchmarks share: processes on loopback, what the operating system charged them, wrk, and the
places in docs/benchmarks.md that figures go into."""
import contextlib
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BENCH_BUILD", ROOT / ".build" / "release"))
TICKS = os.sysconf("SC_CLK_TCK")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: run make bench, which installs it")


def tree(pid):
    """A process and its children."""
    found = [pid]
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry.name))
    return found


def cpu_seconds(pids):
    """User and system time of processes and their children that still run."""
    total = 0
    for pid in {each for parent in pids for each in tree(parent)}:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pin_load():
    """Keeps this process, and the load that it will start, on the first core."""
    os.sched_setaffinity(0, {0})


def pin_servers(pids):
    """Gives processes a core beside the load's: one worker each, and no moving about."""
    last = str(min(1, os.cpu_count() - 1))
    for pid in {each for parent in pids for each in tree(parent)}:
        subprocess.run(["taskset", "-a", "-c", "-p", last, str(pid)], check=True, capture_output=True)


def memory_mib(pid, field="VmRSS"):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1]) / 1024


def wait_for(url, process=None, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            sys.exit(f"{url} ended before it was ready")
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit(f"{url} didn't get ready")


class Processes:
    """Started together, stopped together."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench"))
        self.all = []

    def start(self, name, command, ready=None):
        log = open(self.folder / f"{name}.log", "w")
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        self.all.append(process)
        if ready:
            wait_for(ready, process)
        return process

    def serve(self, name, *flags, data=None):
        """A registry: its process, port and first token."""
        (port,) = free_ports(1)
        data = data or self.folder / name
        process = self.start(
            name, [BUILD / "tenant-registry", "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", data, *flags],
            f"http://127.0.0.1:{port}/readyz")
        return process, port, (pathlib.Path(data) / "admin-token").read_text().strip()

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        self.all.remove(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            process.send_signal(signal.SIGTERM)
        for process in self.all:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def wrk(port, script, connections, seconds, environment):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
               f"http://127.0.0.1:{port}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, **environment}).stdout
    done = re.search(r"(\d+) requests in ([\d.]+)(\w+)", text)
    elapsed = float(done[2]) * {"s": 1, "ms": 0.001, "m": 60}[done[3]]
    latency = {}
    for percent, value, unit in re.findall(r"^\s+(50|99)(?:\.000)?%\s+([\d.]+)(us|ms|s)$", text, re.M):
        latency[percent] = float(value) * {"us": 1, "ms": 1000, "s": 1_000_000}[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {"requests": int(done[1]), "rate": int(done[1]) / elapsed, "latency": latency,
            "bad": int(bad[1]) if bad else 0}


def measure(pids, *arguments):
    """wrk, and the CPU per request of the processes that answered, in microseconds."""
    before = cpu_seconds(pids)
    result = wrk(*arguments)
    result["cpu"] = (cpu_seconds(pids) - before) / max(1, result["requests"]) * 1e6
    if result["bad"]:
        sys.exit(f"{result['bad']} answers of {arguments} weren't 2xx")
    return result


def spread(values, digits=0):
    return f"{min(values):,.{digits}f}–{max(values):,.{digits}f}"


def middle(values, digits=0):
    """The median with (smallest–largest)."""
    return f"{statistics.median(values):,.{digits}f} ({spread(values, digits)})"


def version(command, pattern=r"(\d+\.\d+[\w.]*)"):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "?"
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "?"


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())[1]) // 1024 // 1024
    swift = version(["swift", "--version"], r"Swift version ([\d.]+)")
    return (f"{os.cpu_count()} × {model}, {memory} GiB, {platform.system()} {platform.release()}; Swift {swift}, "
            f"nginx {version(['nginx', '-v'])}, wrk {version(['wrk', '-v'])}")


def write_figures(name, lines, document="benchmarks.md"):
    """Puts lines between `<!-- name -->` and `<!-- end of name -->` in docs/benchmarks.md."""
    target = ROOT / "docs" / document
    text = target.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, tail = text.split(begin)[0], text.split(end)[1]
    target.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{tail}")
    print("\n".join(lines))
