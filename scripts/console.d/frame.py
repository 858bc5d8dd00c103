#!/usr/bin/env python3
"""What holds for every page: signing in, and where the token is; tokens that end; two tabs; a registry that is killed, hangs, or has lost its
database; no frame around it, no wave by a link; the keyboard alone."""
import datetime
import http.server
import json
import signal
import threading
import urllib.error
import urllib.request

from ground import Browser, Keys, Postgres, Registry, Stage, check, play

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")


def fresh(browser):
    """One tab in which nobody is signed in."""
    driver = browser.driver
    while len(driver.window_handles) > 1:
        driver.switch_to.window(driver.window_handles[-1])
        driver.close()
    driver.switch_to.window(driver.window_handles[0])
    driver.get(browser.console)
    browser.run("sessionStorage.clear(); localStorage.setItem('tenant-registry.language', 'en')")
    driver.get('about:blank')
    browser.complaints()
    driver.get(browser.console)
    browser.see('#signin-token')


def enter(browser, token):
    browser.fill('#signin-token', token)
    browser.press(Keys.ENTER)


def signed_in(browser, token):
    fresh(browser)
    enter(browser, token)
    browser.says('What needs attention')


def signing_in(registry, browser):
    fresh(browser)
    browser.accessible('to sign in')
    check('the token is asked for', browser.run('return document.activeElement.id') == 'signin-token')
    for wrong in ('trk_nonsense_wrong', 'トークン', 'a b'):
        enter(browser, wrong)
        browser.says('The token isn’t valid')
        browser.until(lambda: browser.run('return document.activeElement.id') == 'signin-token', what='the focus where it was')
    browser.accessible('a token that is refused')
    browser.click('#language-ja')
    browser.says('サインイン')
    browser.click('#language-en')
    enter(browser, f'Bearer {registry.token}')
    browser.says('What needs attention')
    browser.go('#/locations')
    browser.says('Where signups go now')
    browser.click('#signout')
    browser.says('Enter a token')
    check('signed out, nothing is kept', browser.run('return sessionStorage.length') == 0)
    browser.driver.back()
    browser.says('Enter a token')
    check('nor is it by going back', 'Where signups go now' not in browser.text())
    return '401 (Unauthorized)',


def token_in_one_header(registry, _):
    browser = Browser(registry.console, logs=('browser', 'performance'))
    try:
        browser.see('#signin-token')
        enter(browser, registry.token)
        browser.says('What needs attention')
        for page in ('domains', 'history', 'locations', 'tokens', 'migrations', 'agents', 'drift'):
            browser.go(f'#/{page}')
            browser.until(lambda: browser.all('main h1') and not browser.all('main .loading'))
        messages = [json.loads(each['message'])['message'] for each in browser.driver.get_log('performance')]
        sent = [each['params'] for each in messages if each['method'] == 'Network.requestWillBeSent']
        asked = [each['request'] for each in sent if not each['request']['url'].startswith('data:')]
        check(f'{len(asked)} requests, all to this registry', len(asked) > 30 and all(each['url'].startswith(f'http://127.0.0.1:{registry.port}/') for each in asked))
        secret = registry.token.split('_')[-1]
        check('no address has the token', not any(secret in each['url'] + each.get('postData', '') for each in asked))
        check('one header has it, for the API alone', all(
            [value for name, value in each['headers'].items() if secret in value] == ([f'Bearer {registry.token}'] if '/console/' not in each['url'] else []) for each in asked))
        extra = [each['params']['headers'] for each in messages if each['method'] == 'Network.requestWillBeSentExtraInfo']
        check('no cookie goes along, nor where somebody was', extra and not any({'cookie', 'referer'} & {name.lower() for name in each} for each in extra))
        check('nothing but the tab has it', browser.driver.get_cookies() == [] and secret not in browser.driver.page_source
              and secret not in browser.run('return JSON.stringify({...localStorage})') and secret not in browser.driver.current_url
              and browser.run('return JSON.stringify({...sessionStorage})') == json.dumps({'tenant-registry.token': registry.token}, separators=(',', ':')))
        check('the registry’s log hasn’t', secret not in (registry.folder / 'serve.log').read_text())
        browser.driver.switch_to.new_window('tab')
        browser.driver.get(registry.console)
        browser.see('#signin-token')
        check('another tab asks for one of its own', True)
    finally:
        browser.close()


def ends(registry, browser):
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)).strftime('%Y-%m-%dT%H:%M:%SZ')
    made = registry.call('POST', '/v1/tokens', {'name': 'short', 'role': 'operator', 'expires_at': soon})
    signed_in(browser, made['token'])
    browser.says('token expires', 'header')
    browser.says('Your token has expired', seconds=30)
    made = registry.call('POST', '/v1/tokens', {'name': 'revoked', 'role': 'operator'})
    signed_in(browser, made['token'])
    registry.call('DELETE', f"/v1/tokens/{made['id']}")
    browser.says('it was revoked', seconds=30)
    browser.click('#language-ja')
    browser.says('トークンが失効')
    browser.accessible('a token that was revoked')
    check('an expired token and a revoked one have their words', browser.run('return sessionStorage.length') == 0)
    return '401 (Unauthorized)',


def two_tabs(registry, browser):
    made = registry.call('POST', '/v1/tokens', {'name': 'first-tab', 'role': 'admin'})
    signed_in(browser, made['token'])
    driver = browser.driver
    first = driver.current_window_handle
    driver.switch_to.new_window('tab')
    second = driver.current_window_handle
    driver.get(browser.console)
    browser.see('#signin-token')
    enter(browser, registry.token)
    browser.says('What needs attention')
    browser.go('#/tokens')
    browser.click(f"#revoke-{made['id']}")
    browser.confirm(confirm='first-tab')
    browser.says('is revoked', '#toasts')
    browser.click('#language-ja')
    browser.says('トークン一覧')
    driver.switch_to.window(first)
    browser.says('失効したため', seconds=30)
    check('one tab’s token is revoked by the other, and both speak Japanese', True)
    driver.switch_to.window(second)
    browser.says('トークン一覧')
    browser.click('#language-en')
    browser.go('#/locations')
    browser.says('Where signups go now')
    driver.switch_to.window(first)
    enter(browser, registry.token)
    browser.says('What needs attention')
    driver.switch_to.window(second)
    registry.call('PUT', '/v1/locations/aws', {'upstream': 'https://other.example.com', 'accepts_signups': True, 'default_for_signups': False})
    browser.says('https://other.example.com')
    check('what one changes the other shows by itself', True)
    return '401 (Unauthorized)',


LOST = ('ERR_CONNECTION_REFUSED', 'ERR_CONNECTION_RESET', 'ERR_INCOMPLETE_CHUNKED_ENCODING', 'ERR_EMPTY_RESPONSE', '503 (Service Unavailable)')


def away(registry, browser):
    signed_in(browser, registry.token)
    browser.says('3 domains')
    # Pages that nobody has opened are there already when the registry goes.
    browser.until(lambda: browser.run("return performance.getEntriesByType('resource').some((e) => e.name.endsWith('/pages/tokens.js') && e.responseEnd > 0)"))
    registry.kill()
    browser.says('The registry doesn’t answer', '#away', 30)
    # Who comes back to the tab has the page look again.
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    browser.says('The registry can’t be reached')
    check('killed: it says so, and keeps what it had', '3 domains' in browser.text('main') and 'There is no history to draw yet.' in browser.text('main'))
    browser.accessible('a registry that is away')
    browser.go('#/locations')
    browser.says('The registry can’t be reached')
    registry.serve()
    browser.says('Where signups go now', seconds=30)
    browser.until(lambda: not browser.driver.find_element('id', 'away').is_displayed(), what='the line to be gone')
    check('started again: it goes on by itself', True)
    registry.call('POST', '/v1/domains', {'fqdn': 'acme3.kintone.com', 'tenant': 'acme'})
    browser.go('#/')
    browser.says('4 domains')
    return LOST


def loaded_while_away(registry, browser):
    # Signing in to a registry that is away keeps what was typed.
    fresh(browser)
    registry.kill()
    enter(browser, registry.token)
    browser.says('The registry can’t be reached')
    check('what was typed is kept', browser.see('#signin-token').get_attribute('value') == registry.token)
    registry.serve()
    browser.click('form.signin button[type=submit]')
    browser.says('4 domains')
    return LOST


def hangs(registry, browser):
    signed_in(browser, registry.token)
    browser.says('4 domains')
    registry.server.send_signal(signal.SIGSTOP)
    try:
        browser.says('The registry doesn’t answer', '#away', 60)
        check('a registry that hangs is one that doesn’t answer', '4 domains' in browser.text('main'))
    finally:
        registry.server.send_signal(signal.SIGCONT)
    browser.until(lambda: not browser.driver.find_element('id', 'away').is_displayed(), 60, 'the line to be gone')
    check('it goes on by itself', True)
    return LOST


def without_database():
    with Stage() as stage:
        database = stage.put(Postgres())
        registry = stage.put(Registry('--store', database.url))
        registry.register([{'fqdn': f'acme{i}.kintone.com', 'tenant': 'acme'} for i in range(3)])
        browser = stage.put(Browser(registry.console, registry.token))
        browser.open('#/domains/acme0.kintone.com')
        browser.see('#do-suspend')
        database.stop()
        browser.until(lambda: registry.status('/v1/history', token=registry.token) == 503, 60, 'a store that fails')
        browser.says('The registry doesn’t answer', '#away', 60)
        check('without its database: it says so, and keeps what it had', 'serving' in browser.text('main .facts') and bool(browser.all('#do-suspend')))
        browser.click('#do-suspend')
        browser.submit()
        browser.says('database', 'dialog .notice.bad', 90)
        browser.see('dialog .notice.bad code')
        check('a change that wasn’t written says so, with the request’s id', registry.status('/v1/history', token=registry.token) == 503)
        browser.accessible('a store that fails')
        browser.cancel()
        browser.go('#/history')
        browser.says('database', 'main .notice.bad', 90)
        database.start()
        browser.see('table.endless tbody tr', 90)
        browser.until(lambda: not browser.driver.find_element('id', 'away').is_displayed(), 60, 'the line to be gone')
        check('with its database again it goes on by itself', True)
        browser.quiet('without_database', LOST)


class Stranger(http.server.BaseHTTPRequestHandler):
    """A page of another origin."""
    page = b''

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


def strangers(registry, browser):
    with urllib.request.urlopen(registry.console) as answer:
        headers = answer.headers
    check('the page’s policy is the one that is promised', headers['Content-Security-Policy'] == POLICY and headers['X-Content-Type-Options'] == 'nosniff'
          and headers['Referrer-Policy'] == 'no-referrer' and headers['Cross-Origin-Opener-Policy'] == 'same-origin')
    plan = registry.call('POST', '/v1/migrations', {'name': 'tonight', 'from': 'japan', 'to': 'aws', 'select': {'fqdns': ['acme0.kintone.com']}, 'freeze': 'read_only',
                                                    'whole_tenants': False})
    wave = f"/v1/migrations/{plan['id']}/waves/1"
    state = lambda: registry.call('GET', f"/v1/migrations/{plan['id']}")['waves'][0]['state']
    signed_in(browser, registry.token)
    for link in (f"#/migrations/{plan['id']}/waves/1/freeze", f"#/migrations/{plan['id']}?step=freeze&wave=1", f"#/migrations/{plan['id']}?wave=1&press=wave-1-freeze",
                 f'#{wave}/freeze'):
        browser.go(link)
        browser.until(lambda: browser.all('main h1') and not browser.all('main .loading'))
        check(f'a link only shows: {link}', not browser.all('dialog'))
    check('nothing is started by a link', state() == 'planned')

    # Another origin has no token to send: neither by a form, nor by a script; and it can't show the console in a frame.
    body = json.dumps({'plan_digest': plan['plan_digest'], 'expected_count': 1, 'deadline_seconds': 600})
    Stranger.page = f"""<iframe src="{registry.console}" width="800" height="600"></iframe><form method="post" enctype="text/plain" target="there"
        action="http://127.0.0.1:{registry.port}{wave}/freeze"><input name='{body[:-1]},"x":"' value='"}}'></form><iframe name="there"></iframe>""".encode()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser.driver.get(f'http://127.0.0.1:{server.server_port}/')
        said = []
        browser.until(lambda: said.extend(browser.complaints()) or any('frame-ancestors' in each for each in said), what='a frame that is refused')
        browser.driver.switch_to.frame(0)
        check('a frame around it is refused', 'Sign in' not in browser.text() and not browser.all('#signin-token'))
        browser.driver.switch_to.default_content()
        browser.run('document.forms[0].submit()')
        answer = browser.driver.execute_async_script("""const done = arguments[arguments.length - 1];
          fetch(arguments[0], {method: 'POST', body: arguments[1], credentials: 'include', headers: {'Content-Type': 'application/json'}}).then((r) => done(r.status), (e) => done(String(e)))""",
                                                     f'http://127.0.0.1:{registry.port}{wave}/freeze', body)
        check(f'another origin’s script isn’t let in: {answer}', 'Failed to fetch' in str(answer))
    finally:
        server.shutdown()
    for address in (f'{wave}/freeze?access_token={registry.token}', f'{wave}/freeze?token={registry.token}'):
        check('a token in an address is none', registry.status(address, 'POST', body) == 401)
    check('nothing was started by another origin', state() == 'planned')
    browser.complaints()


def keyboard(registry, browser):
    signed_in(browser, registry.token)
    focused = lambda: browser.run('return document.activeElement.id || document.activeElement.textContent')
    check('the page has the focus', browser.run('return document.activeElement.id') == 'main')
    browser.run("document.querySelector('main .notice a').focus()")
    registry.call('PATCH', '/v1/domains/acme2.kintone.com', {'mode': 'read_only'})
    browser.says('read only')
    registry.call('PATCH', '/v1/domains/acme2.kintone.com', {'mode': 'serve'})
    browser.until(lambda: 'suspended' not in browser.text('main'), what='the overview that is drawn again')
    check('the focus stays where it was when the page is drawn again', browser.run("return document.activeElement.matches('main .notice a')"))
    browser.run("document.querySelector('.skip').focus()")
    order = [focused()]
    unseen = []
    for _ in range(14):
        browser.press(Keys.TAB)
        order.append(focused())
        if browser.run('return getComputedStyle(document.activeElement).outlineStyle') != 'solid':
            unseen.append(order[-1])
    check(f'the focus is seen everywhere {unseen or ""}'.rstrip(), not unseen)
    check('by tabs one comes everywhere, in order', order[:3] == ['Skip to content', 'Tenant registry', 'Overview'] and order.index('Tokens') < order.index('signout') < order.index('language-ja'))
    browser.run("document.querySelector('nav a[href=\"#/tokens\"]').focus()")
    browser.press(Keys.ENTER)
    browser.says('What a role may do')
    browser.run("document.getElementById('tokens-create').focus()")
    browser.press(Keys.ENTER)
    browser.says('It works at once', 'dialog')
    browser.press('by keyboard', Keys.TAB, Keys.SPACE, Keys.ENTER)
    browser.says('Copy it now')
    check('a token is made by keys', any(each['name'] == 'by keyboard' for each in registry.call('GET', '/v1/tokens')['items'])
          and browser.run("return document.activeElement.matches('section.once')"))
    browser.run("document.getElementById('tokens-create').focus()")
    browser.press(Keys.ENTER)
    browser.see('dialog[open]')
    inside = [browser.press(Keys.TAB) or browser.run("return document.activeElement === document.body || !!document.activeElement.closest('dialog')") for _ in range(20)]
    check('a dialog keeps the focus', all(inside))
    browser.press(Keys.ESCAPE)
    browser.closed()
    check('and gives it back', focused() == 'tokens-create')

    # A domain is suspended: searched for, opened, asked, confirmed, by keys alone.
    browser.run("document.querySelector('nav a[href=\"#/domains\"]').focus()")
    browser.press(Keys.ENTER)
    browser.see('#search')
    browser.run("document.getElementById('search').focus()")
    browser.press('acme1.kintone.com')
    browser.see('section[aria-label="This very name"] a.name')
    browser.until(lambda: browser.press(Keys.TAB) or browser.run("return document.activeElement.matches('a.name')"), what='the name by tabs')
    browser.press(Keys.ENTER)
    browser.see('#do-suspend')
    browser.until(lambda: browser.press(Keys.TAB) or focused() == 'do-suspend', what='the button by tabs')
    browser.press(Keys.ENTER)
    browser.says('serving → rejecting', 'dialog')
    browser.until(lambda: browser.press(Keys.TAB) or browser.run("return document.activeElement.name === 'reason'"), what='the reason by tabs')
    browser.press('by keys', Keys.ENTER)
    browser.closed()
    check('a domain is suspended by keys', registry.location_of('acme1.kintone.com')['mode'] == 'reject')
    browser.until(lambda: browser.all('#do-resume'))
    browser.run("document.getElementById('language-ja').focus()")
    browser.press(Keys.ENTER)
    browser.says('再開')
    check('the language by keys, and the focus stays', focused() == 'language-ja' and browser.run('return document.documentElement.lang') == 'ja')
    browser.driver.refresh()
    browser.says('再開')
    browser.click('#language-en')


def seed(registry, _):
    registry.register([{'fqdn': f'acme{i}.kintone.com', 'tenant': 'acme', 'location': 'japan'} for i in range(3)])


if __name__ == '__main__':
    play(seed, signing_in, token_in_one_header, ends, two_tabs, away, loaded_while_away, strangers, keyboard, hangs, flags=('--drain-seconds', '0'))
    without_database()
