#!/usr/bin/env python3
"""Each page of the console, its largest dialogs, a registry that is empty and one that is gone: nothing overflows, axe finds nothing, the policy
stops nothing. A picture of each goes into $CONSOLE_SHOTS, to be looked at: in English at 1280 px, light, and in Japanese at 360 px, dark; with
--all in both languages, wide and narrow, light and dark."""
import sys
import urllib.parse

from ground import SHOTS, Browser, Registry, check

LONG = '.'.join(['a' * 61, 'b' * 61, 'c' * 61, 'd' * 54]) + '.kintone.com'
HOSTILE = '<img src=x onerror=alert(1)>"\'&{n}'
JAPANESE = '第二四半期のデータセンター移行に伴い、東京リージョンのお客様を順次クラウドへ移動するための計画です。' * 3


def fill(registry):
    registry.register([{'fqdn': f'c{i:05}.kintone.com', 'tenant': f'tenant-{i // 2}', 'location': 'japan'} for i in range(3000)])
    registry.register([{'fqdn': LONG, 'tenant': HOSTILE, 'location': 'japan'},
                       {'fqdn': 'xn--r8jz45g.kintone.com', 'tenant': '日本の会社' * 20, 'location': 'aws'}])
    registry.call('PATCH', f'/v1/domains/{LONG}', {'mode': 'read_only', 'reason': JAPANESE, 'ticket': 'OPS-1'})
    plan = registry.call('POST', '/v1/migrations', {
        'name': HOSTILE, 'from': 'japan', 'to': 'aws', 'select': {'fqdns': [f'c{i:05}.kintone.com' for i in range(60)]},
        'waves': [{'count': 10}, {'rest': True}], 'freeze': 'read_only', 'reason': JAPANESE})
    wave = {'plan_digest': plan['plan_digest'], 'expected_count': plan['waves'][0]['size'], 'reason': 'x'}
    registry.call('POST', f"/v1/migrations/{plan['id']}/waves/1/freeze", wave | {'deadline_seconds': 3600})
    registry.call('PUT', '/v1/agents/edge-1', {'epoch': registry.call('GET', '/v1/history/head')['epoch'], 'revision': 1})
    return plan['id']


def pages(migration):
    return {'overview': '', 'domains': 'domains?q=c0000', 'domain': f'domains/{LONG}', 'umlaut': 'domains/xn--r8jz45g.kintone.com',
            'nobody': 'domains/nobody.kintone.com', 'tenant': f'tenants/{urllib.parse.quote(HOSTILE, safe="")}', 'migrations': 'migrations',
            'plan': 'migrations/new', 'migration': f'migrations/{migration}', 'history': 'history', 'agents': 'agents',
            'locations': 'locations', 'drift': 'drift', 'tokens': 'tokens', 'nothing': 'no/such/page'}


def empty_pages():
    return {'empty-overview': '', 'empty-domains': 'domains', 'empty-migrations': 'migrations', 'empty-plan': 'migrations/new', 'empty-history': 'history?action=restored',
            'empty-agents': 'agents?evicted=1', 'empty-drift': 'drift'}


def planned(browser):
    browser.fill('textarea', f'{LONG}\nxn--r8jz45g.kintone.com\nnobody.kintone.com\nno name\nc00061.kintone.com\nc02990.kintone.com')
    browser.click('form button[type=submit]')
    browser.see('.result h2')
    browser.click('.result details summary')
    browser.until(lambda: len(browser.all('.result table.endless tbody tr')) > 3)


def asked(button):
    def open_dialog(browser):
        browser.click(button)
        browser.see('dialog[open]')
        browser.until(lambda: browser.all('dialog .preview h3, dialog .facts, dialog .agents, dialog input[name=confirm]'))
    return open_dialog


# What is done on a page before it's looked at.
FIRST = {'plan': planned, 'domain': asked('#do-change'), 'umlaut': asked('#do-release'), 'migration': asked('#wave-1-cutover'), 'locations': asked('#switch-aws'),
         'agents': asked('#evict-edge-1')}


def look(browser, name, where, label):
    browser.open(f'#/{where}')
    browser.until(lambda: 'Loading…' not in browser.text('main') and '読み込み中' not in browser.text('main'), 30, f'{name} to be whole')
    found = seen(browser, label)
    if name in FIRST:
        FIRST[name](browser)
        found += seen(browser, label.replace(name, f'{name}-asked', 1))
    return found


def seen(browser, label):
    browser.shot(SHOTS / f'{label}.png', full=not browser.all('dialog'))
    over, wide = browser.overflow()
    found = [(label, 'overflow', wide)] if over or wide else []
    found += [(label, 'axe', each) for each in browser.axe()]
    # The history of a name that never was is a 404, which Chromium notes itself, and sometimes late.
    found += [(label, 'log', each) for each in browser.complaints(allowed=('/nobody.kintone.com/history',))]
    if browser.driver.execute_script("return document.querySelector('main img') !== null"):
        found.append((label, 'markup made of text', ''))
    return found


def views(browser, token, isAll):
    """Each way to look at a page: a language, a width, light or dark. All eight, or two that have each of them."""
    for language in ('en', 'ja'):
        browser.driver.get(browser.console)
        browser.sign_in(token, language)
        for width in (1280, 360):
            for dark in (False, True):
                if isAll or (language, width, dark) in (('en', 1280, False), ('ja', 360, True)):
                    browser.size(width)
                    browser.dark(dark)
                    yield f'{width}-{"dark" if dark else "light"}-{language}'


def pictures(registry, pages, isAll):
    browser = Browser(registry.console, registry.token)
    try:
        found = []
        for view in views(browser, registry.token, isAll):
            for name, where in pages.items():
                found += look(browser, name, where, f'{name}-{view}')
        return found
    finally:
        browser.close()


def away(registry, isAll):
    """A registry that is gone, seen by who has a page open, and by who opens another."""
    browser = Browser(registry.console, registry.token)
    try:
        found = []
        for view in views(browser, registry.token, isAll):
            browser.open('#/')
            browser.until(lambda: not browser.all('main .loading'), 30)
            registry.kill()
            browser.until(lambda: browser.driver.find_element('id', 'away').is_displayed(), 40, 'the line that says so')
            found += seen(browser, f'away-{view}')
            browser.go('#/migrations')
            browser.see('main .notice.bad')
            found += seen(browser, f'away-page-{view}')
            registry.serve()
        return [each for each in found if each[1] != 'log']
    finally:
        browser.close()


def main():
    isAll = '--all' in sys.argv[1:]
    found = []
    for prepare, show in ((fill, lambda registry, made: pictures(registry, pages(made), isAll)), (lambda _: None, lambda registry, _: pictures(registry, empty_pages(), isAll)),
                          (lambda _: None, lambda registry, _: away(registry, isAll))):
        registry = Registry('--agent-lease', '3600', '--drain-seconds', '0')
        try:
            found += show(registry, prepare(registry))
        finally:
            registry.close()
    for each in found:
        print(*each)
    check('every page: nothing overflows, axe finds nothing, nothing is complained of', not found)


if __name__ == '__main__':
    main()
