#!/usr/bin/env python3
"""Each page of the console, in both languages, wide and narrow, light and dark: nothing overflows, axe finds nothing, the policy stops
nothing. A picture of each goes into $CONSOLE_SHOTS, to be looked at. And what each role is offered."""
import urllib.parse
from ground import SHOTS, Browser, Registry

LONG = '.'.join(['a' * 61, 'b' * 61, 'c' * 61, 'd' * 54]) + '.kintone.com'
HOSTILE = '<img src=x onerror=alert(1)>"\'&{n}'
JAPANESE = '第二四半期のデータセンター移行に伴い、東京リージョンのお客様を順次クラウドへ移動するための計画です。' * 3
MENUS = {'reader': 3, 'registrar': 3, 'auditor': 7, 'operator': 7, 'admin': 8}


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


def look(browser, name, where, label):
    browser.driver.get('about:blank')
    browser.go(f'#/{where}')
    browser.until(lambda: browser.all('main h1') and not browser.all('main .loading'), 30, f'{name} to be there')
    browser.shot(SHOTS / f'{label}.png')
    over, wide = browser.overflow()
    found = [(label, 'overflow', wide)] if over or wide else []
    found += [(label, 'axe', each) for each in browser.axe()]
    # The history of a name that never was is a 404, which Chromium notes itself, and sometimes late.
    found += [(label, 'log', each) for each in browser.complaints(allowed=('/nobody.kintone.com/history',))]
    if browser.driver.execute_script("return document.querySelector('main img') !== null"):
        found.append((label, 'markup made of text', ''))
    return found


def main():
    registry = Registry('--agent-lease', '3600')
    found = []
    try:
        migration = fill(registry)
        browser = Browser(registry.console, registry.token)
        for language in ('en', 'ja'):
            browser.driver.get(registry.console)
            browser.sign_in(registry.token, language)
            for width in (1280, 360):
                for dark in (False, True):
                    browser.size(width)
                    browser.dark(dark)
                    for name, where in pages(migration).items():
                        found += look(browser, name, where, f'{name}-{width}-{"dark" if dark else "light"}-{language}')
        browser.size(1280)
        for role, count in MENUS.items():
            browser.driver.get(registry.console)
            browser.sign_in(registry.make_token(f'{role}-{count}', role))
            offered = len(browser.all('.top nav li'))
            if offered != count:
                found.append((role, f'is offered {offered} pages, not {count}', browser.text('.top nav')))
        browser.close()
    finally:
        registry.close()
    for each in found:
        print(*each)
    if found:
        raise SystemExit(1)
    print('ok   every page, in both languages, wide and narrow, light and dark: nothing overflows, axe finds nothing')


if __name__ == '__main__':
    main()
