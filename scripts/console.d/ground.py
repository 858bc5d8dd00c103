"""What the console's tests share: a real registry with a real agent, and a real Chromium."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

BINARY, SHOTS = os.environ['REGISTRY_BINARY'], pathlib.Path(os.environ['CONSOLE_SHOTS'])
AXE = next(pathlib.Path(sys.prefix).rglob('axe.min.js'))
# The test that runs, for what it leaves behind when it fails.
TEST = pathlib.Path(sys.argv[0]).stem


def check(what, fact):
    print(('ok   ' if fact else 'FAIL ') + what, flush=True)
    assert fact, what


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def remove(folder):
    """What a test has needed goes with it; of one that fails it stays, to be looked at."""
    if sys.exc_info()[0] is None:
        shutil.rmtree(folder, ignore_errors=True)


class Registry:
    """`serve`, an agent (which can be stopped and let go on), and the console before it."""

    def __init__(self, *flags, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='registry-console-'))
        self.flags = flags
        self.processes = []
        self.port, self.agent_port = free_port(), free_port()
        self.console = f'http://127.0.0.1:{self.port}/console/'
        self.serve()
        self.token = (self.folder / 'data' / 'admin-token').read_text().strip()

    def serve(self):
        self.server = self.run([BINARY, 'serve', '--listen', f'127.0.0.1:{self.port}', '--data-dir', self.folder / 'data', *self.flags], 'serve')
        self.wait(lambda: urllib.request.urlopen(f'http://127.0.0.1:{self.port}/readyz', timeout=2).status == 200)
        self.wait(lambda: urllib.request.urlopen(self.console, timeout=2).status == 200)

    def kill(self):
        self.server.kill()
        self.server.wait()

    def run(self, command, name):
        log = open(self.folder / f'{name}.log', 'ab')
        process = subprocess.Popen(['nice', *map(str, command)], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def agent(self, name):
        return self.run([BINARY, 'agent', '--upstream', f'http://127.0.0.1:{self.port}', '--name', name, '--listen', f'127.0.0.1:{self.agent_port}',
                         '--state-dir', self.folder / name, '--token-file', self.folder / 'data' / 'admin-token'], name)

    def wait(self, done, seconds=30):
        end = time.monotonic() + seconds
        while True:
            try:
                if done():
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise TimeoutError(f'{done} in {seconds} s; see {self.folder}')
            time.sleep(0.05)

    def call(self, method, path, body=None, token=None, expect=(200, 201, 204)):
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={'Authorization': f'Bearer {token or self.token}', 'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                status = answer.status
        except urllib.error.HTTPError as error:
            text, status = error.read(), error.code
        assert status in expect, (status, text)
        return json.loads(text) if text else None

    def status(self, path, method='GET', body=None, token=None):
        headers = {'Content-Type': 'application/json', **({'Authorization': f'Bearer {token}'} if token else {})}
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', method=method, data=body and body.encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def make_token(self, name, role):
        return self.call('POST', '/v1/tokens', {'name': name, 'role': role})['token']

    def register(self, domains):
        for start in range(0, len(domains), 5000):
            answer = self.call('POST', '/v1/domains/batch', {'domains': domains[start:start + 5000], 'allow_nested': True})
            assert all(each['status'] == 'registered' for each in answer['results']), answer['results'][:3]

    def location_of(self, fqdn):
        return self.call('GET', f'/v1/domains/{fqdn}')

    def agent_route(self, fqdn):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.agent_port}/v1/route?host={fqdn}', timeout=5) as answer:
            return answer.headers['X-Tenant-Location'], answer.headers['X-Tenant-Mode']

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        remove(self.folder)


class Nginx:
    """Debian's nginx with deploy/nginx/agent.conf, which asks the registry's agent for each request; behind it two places that say which they are."""

    def __init__(self, registry):
        self.port, gate, japan, aws = (free_port() for _ in range(4))
        self.folder = folder = registry.folder / 'nginx'
        (folder / 'temp').mkdir(parents=True)
        # Its worker runs as nobody where this is root.
        for each in (registry.folder, folder, folder / 'temp'):
            each.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(folder / 'temp', 'nobody')
        text = (pathlib.Path(__file__).parents[2] / 'deploy/nginx/agent.conf').read_text()
        for old, new in {'unix:/run/tenant-registry-agent/agent.sock': f'127.0.0.1:{registry.agent_port}', '127.0.0.1:8000': f'127.0.0.1:{self.port}',
                         '127.0.0.1:8001': f'127.0.0.1:{gate}', '127.0.0.1:9001': f'127.0.0.1:{japan}', '127.0.0.1:9002': f'127.0.0.1:{aws}'}.items():
            assert old in text, f'deploy/nginx/agent.conf has no {old}'
            text = text.replace(old, new)
        (folder / 'agent.conf').write_text(text)
        places = ''.join(f'server {{ listen 127.0.0.1:{port}; default_type text/plain; return 200 {name}; }}' for name, port in (('japan', japan), ('aws', aws)))
        temporary = ''.join(f'{each}_temp_path {folder}/temp/{each}; ' for each in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        (folder / 'nginx.conf').write_text(f'daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn; events {{}}\n'
                                           f'http {{ access_log off; {temporary} include {folder}/agent.conf; {places} }}\n')
        registry.run(['nginx', '-e', 'stderr', '-p', folder, '-c', 'nginx.conf'], 'nginx')

    def visit(self, host, method='GET'):
        """What a visitor gets: the place that answers, or the status where none does."""
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}/', method=method, data=b'x=1' if method == 'POST' else None, headers={'Host': host})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code


class Postgres:
    """Debian's PostgreSQL, which can be stopped and started again; as nobody where this is root, for it refuses to run as root."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='console-postgres-'))
        self.programs = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))[-1]
        self.whose = ['runuser', '-u', 'nobody', '--'] if os.geteuid() == 0 else []
        if self.whose:
            shutil.chown(self.folder, 'nobody')
        self.port = free_port()
        subprocess.run([*self.whose, self.programs / 'initdb', '-D', self.folder / 'data', '-U', 'postgres', '--auth=trust', '--no-sync'],
                       check=True, stdout=subprocess.DEVNULL, cwd='/')
        self.url = f'postgres://postgres@127.0.0.1:{self.port}/postgres'
        self.start()

    def control(self, *command):
        subprocess.run([*self.whose, self.programs / 'pg_ctl', '-D', self.folder / 'data', '-w', *command], check=True, stdout=subprocess.DEVNULL, cwd='/')

    def start(self):
        self.control('-l', str(self.folder / 'log'), '-o', f'-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories= -c fsync=off', 'start')

    def stop(self):
        self.control('-m', 'immediate', 'stop')

    def close(self):
        if (self.folder / 'data' / 'postmaster.pid').exists():
            self.stop()
        remove(self.folder)


class Browser:
    def __init__(self, console, token=None, language='en', width=1280, height=900, dark=False, logs=('browser',)):
        options = Options()
        options.binary_location = '/usr/bin/chromium'
        for each in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', f'--window-size={width},{height}', '--hide-scrollbars', '--force-color-profile=srgb'):
            options.add_argument(each)
        options.set_capability('goog:loggingPrefs', {each: 'ALL' for each in logs})
        self.downloads = pathlib.Path(tempfile.mkdtemp(prefix='console-downloads-'))
        options.add_experimental_option('prefs', {'download.default_directory': str(self.downloads), 'download.prompt_for_download': False})
        self.driver = webdriver.Chrome(options=options, service=Service('/usr/bin/chromedriver'))
        self.console = console
        self.size(width, height)
        self.dark(dark)
        self.driver.get(console)
        if token:
            self.sign_in(token, language)

    def sign_in(self, token, language='en'):
        self.driver.execute_script("sessionStorage.setItem('tenant-registry.token', arguments[0]); localStorage.setItem('tenant-registry.language', arguments[1])", token, language)
        self.driver.refresh()
        self.see('nav')

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': False})

    def dark(self, on):
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': 'dark' if on else 'light'}]})

    def go(self, hash):
        self.driver.get(self.console + hash)

    def until(self, done, seconds=20, what=''):
        try:
            return WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=(Exception,)).until(lambda _: done())
        except Exception as error:
            self.shot(SHOTS / f'failed-{TEST}.png')
            raise AssertionError(f'{what or done}: not in {seconds} s; the page says: {self.text()[:2000]} {self.driver.get_log("browser")}') from error

    def see(self, selector, seconds=20):
        return self.until(lambda: next((e for e in self.driver.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()), None), seconds, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector='body'):
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def says(self, text, selector='main', seconds=20):
        return self.until(lambda: text in self.text(selector), seconds, f'“{text}” in {selector}')

    def click(self, selector, seconds=20):
        # What is redrawn between being found and being clicked is found anew.
        def press():
            element = self.see(selector, 5)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True
        self.until(press, seconds, f'a click on {selector}')

    def fill(self, selector, text):
        # By keys, as somebody does it: a page isn't told of what WebDriver clears.
        self.see(selector).send_keys(Keys.CONTROL, 'a', Keys.NULL, Keys.DELETE, text)

    def choose(self, selector, value):
        Select(self.see(selector)).select_by_value(value)

    # Opens a page anew, whatever was shown.
    def open(self, hash):
        self.driver.get('about:blank')
        self.go(hash)
        self.until(lambda: self.all('main h1') and not self.all('main .loading'), 30, f'{hash} to be there')

    def submit(self):
        self.click('dialog[open] button[type=submit]')

    # A dialog that is open is filled by its fields' names, and done.
    def confirm(self, seconds=30, **fields):
        self.see('dialog[open]')
        for field, value in fields.items():
            self.fill(f'dialog input[name={field}]', value)
        self.submit()
        self.closed(seconds)

    def closed(self, seconds=30):
        self.until(lambda: not self.all('dialog'), seconds, 'the dialog to be gone')

    def cancel(self):
        self.click('dialog[open] .actions button[type=button]')
        self.closed()

    def shut(self):
        return not self.see('dialog[open] button[type=submit]').is_enabled()

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    # A field that isn't typed into, as a moment's, is given its value.
    def put(self, selector, value):
        self.run("const e = document.querySelector(arguments[0]); e.value = arguments[1]; for (const each of ['input', 'change']) e.dispatchEvent(new Event(each, {bubbles: true}))", selector, value)

    # Scrolls on until so many rows are there.
    def scroll_to_rows(self, rows, selector='table.endless tbody tr', seconds=30):
        def more():
            self.run('scrollTo(0, document.body.scrollHeight)')
            return len(self.all(selector)) >= rows
        self.until(more, seconds, f'{rows} rows')

    def downloaded(self, pattern):
        self.until(lambda: list(self.downloads.glob(pattern)), 20, f'the file {pattern}')
        return next(self.downloads.glob(pattern)).read_bytes()

    def accessible(self, what):
        found = self.axe()
        check(f'axe finds nothing: {what} {found or ""}'.rstrip(), not found)

    def shot(self, path, full=True):
        if full:
            height = self.driver.execute_script('return Math.max(document.documentElement.scrollHeight, innerHeight)')
            width = self.driver.execute_script('return innerWidth')
            self.size(width, min(height, 6000))
            self.driver.save_screenshot(str(path))
            self.size(width)
        else:
            self.driver.save_screenshot(str(path))

    def overflow(self):
        return self.driver.execute_script("""
          const wide = [...document.querySelectorAll('main *, header *, dialog *')].filter((e) => {
            const r = e.getBoundingClientRect();
            return r.width > 0 && r.right > innerWidth + 1 && !e.closest('.scroll') && !e.closest('.hidden');
          });
          return [document.documentElement.scrollWidth > innerWidth + 1, wide.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];""")

    def axe(self):
        self.driver.execute_script(AXE.read_text())
        answer = self.driver.execute_async_script("""const done = arguments[arguments.length - 1];
          axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]))""")
        return [(v['id'], [(n['html'][:160], n['failureSummary'][:200]) for n in v['nodes'][:4]]) for v in answer]

    def complaints(self, allowed=()):
        return [e['message'] for e in self.driver.get_log('browser')
                if e['level'] in ('SEVERE', 'WARNING') and not any(a in e['message'] for a in allowed)]

    def quiet(self, what='', allowed=()):
        """That it has complained of nothing, but for what was meant."""
        found = self.complaints(allowed)
        check(f'{what}{what and ": "}no complaint of the browser {found or ""}'.rstrip(), not found)

    def close(self):
        self.driver.quit()
        remove(self.downloads)


class Stage(contextlib.ExitStack):
    """What is put there is closed at the end, the last one first."""

    def put(self, each):
        return self.enter_context(contextlib.closing(each))


def play(*flows, flags=()):
    """Runs each flow with a registry and an admin's browser that they share; each begins where it opens a page, and leaves no complaint."""
    with Stage() as stage:
        registry = stage.put(Registry(*flags))
        browser = stage.put(Browser(registry.console, registry.token))
        for flow in flows:
            browser.quiet(flow.__name__, flow(registry, browser) or ())
