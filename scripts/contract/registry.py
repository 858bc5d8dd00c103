"""A registry of one's own: on loopback, in a temporary folder, stopped and gone at the end."""
import contextlib
import pathlib
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

root = pathlib.Path(__file__).resolve().parents[2]


def output(*command):
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def registry(*flags):
    """Yields the registry's URL and its admin token."""
    port = output("scripts/free-ports", "1")
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        data = pathlib.Path(folder, "data")
        command = [output("scripts/binary"), "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", data]
        with log.open("wb") as errors:
            process = subprocess.Popen([*command, "--access-log", "off", *flags], stderr=errors)
        try:
            wait_until_ready(process, url, log)
            yield url, (data / "admin-token").read_text().strip()
            if process.poll() is not None:
                raise SystemExit(f"the registry ended by itself:\n{log.read_text()}")
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_ready(process, url, log):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if urllib.request.urlopen(f"{url}/readyz").status == 200:
                return
        time.sleep(0.05)
    raise SystemExit(f"the registry didn't get ready:\n{log.read_text()}")
