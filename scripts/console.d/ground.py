"""What the console's tests share: a real registry with a real agent, and a real Chromium."""
import json
import os
import pathlib
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
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

BINARY, SHOTS = os.environ['REGISTRY_BINARY'], pathlib.Path(os.environ['CONSOLE_SHOTS'])
AXE = next(pathlib.Path(sys.prefix).rglob('axe.min.js'))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Registry:
    """`serve`, an agent (which can be stopped and let go on), and the console before it."""

    def __init__(self, *flags, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='registry-console-'))
        self.processes = []
        self.port, self.agent_port = free_port(), free_port()
        self.run([BINARY, 'serve', '--listen', f'127.0.0.1:{self.port}', '--data-dir', self.folder / 'data', *flags], 'serve')
        self.wait(lambda: urllib.request.urlopen(f'http://127.0.0.1:{self.port}/readyz', timeout=2).status == 200)
        self.token = (self.folder / 'data' / 'admin-token').read_text().strip()
        self.console = f'http://127.0.0.1:{self.port}/console/'
        self.wait(lambda: urllib.request.urlopen(self.console, timeout=2).status == 200)

    def run(self, command, name):
        log = open(self.folder / f'{name}.log', 'wb')
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


class Browser:
    def __init__(self, console, token, language='en', width=1280, height=900, dark=False):
        options = Options()
        options.binary_location = '/usr/bin/chromium'
        for each in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', f'--window-size={width},{height}', '--hide-scrollbars', '--force-color-profile=srgb'):
            options.add_argument(each)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(options=options, service=Service('/usr/bin/chromedriver'))
        self.console = console
        self.size(width, height)
        self.dark(dark)
        self.driver.get(console)
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
            self.shot(SHOTS / 'failed.png')
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
        element = self.see(selector)
        element.clear()
        element.send_keys(text)

    def choose(self, selector, value):
        Select(self.see(selector)).select_by_value(value)

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

    def close(self):
        self.driver.quit()
