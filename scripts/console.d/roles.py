#!/usr/bin/env python3
"""Each role, on each page: what it's offered, and what it isn't; and that the registry itself refuses what isn't offered."""
import json

from ground import Browser, Registry, Stage, check

ROLES = ('reader', 'registrar', 'auditor', 'operator', 'admin')
READ, AUDIT, OPERATE, ADMINISTER = set(ROLES), {'auditor', 'operator', 'admin'}, {'operator', 'admin'}, {'admin'}
REGISTER = {'registrar', 'operator', 'admin'}
MENU = {'overview': READ, 'domains': READ, 'migrations': AUDIT, 'history': AUDIT, 'agents': AUDIT, 'locations': READ, 'drift': AUDIT, 'tokens': ADMINISTER}


def fill(registry, holder):
    registry.register([{'fqdn': f'c{i}.kintone.com', 'tenant': f'tenant-{i}', 'location': 'japan'} for i in range(8)])
    registry.call('DELETE', '/v1/domains/c7.kintone.com')
    registry.call('POST', '/v1/domains', {'fqdn': 'held.kintone.com', 'hold_seconds': 86400})
    registry.call('POST', '/v1/domains', {'fqdn': 'mine.kintone.com', 'hold_seconds': 86400}, token=holder)
    head = registry.call('GET', '/v1/history/head')
    registry.call('PUT', '/v1/agents/edge-1', {'epoch': head['epoch'], 'revision': head['revision']})
    registry.call('PUT', '/v1/locations/kyoto', {'upstream': 'https://kyoto.example.com', 'accepts_signups': False, 'default_for_signups': False})
    waves = registry.call('POST', '/v1/migrations', {'name': 'waves', 'from': 'japan', 'to': 'aws', 'select': {'fqdns': [f'c{i}.kintone.com' for i in range(4)]},
                                                     'freeze': 'read_only', 'waves': [{'count': 1}] * 4})
    for wave, steps in ((2, ('announce',)), (3, ('freeze',)), (4, ('freeze', 'cutover'))):
        for step in steps:
            body = {'plan_digest': waves['plan_digest'], 'expected_count': 1, **({'deadline_seconds': 3600} if step == 'freeze' else {})}
            registry.call('POST', f"/v1/migrations/{waves['id']}/waves/{wave}/{step}", body)
    done = registry.call('POST', '/v1/migrations', {'name': 'done', 'from': 'japan', 'to': 'aws', 'select': {'fqdns': ['c5.kintone.com']}, 'freeze': 'none'})
    registry.call('POST', f"/v1/migrations/{done['id']}/waves/1/cutover", {'plan_digest': done['plan_digest'], 'expected_count': 1})
    return waves['id'], done['id']


def pages(waves, done):
    """Each page: who sees it, and which roles are offered each of its buttons. Those for looking alone, as copying, aren't counted."""
    frozen = (('#do-resume', '#do-change'), OPERATE)
    domain = (('#do-move', '#do-suspend', '#do-change', '#do-release'), OPERATE)
    return {
        '': (READ, []),
        'domains': (READ, [(('#register',), REGISTER)]),
        'domains?q=free.kintone.com': (READ, [(('#register', '#register-this'), REGISTER)]),
        'domains?state=held': (READ, [(('#register', '[aria-label="Activate mine.kintone.com"]', '[aria-label="Let mine.kintone.com go"]'), REGISTER),
                                      (('[aria-label="Activate held.kintone.com"]', '[aria-label="Let held.kintone.com go"]'), OPERATE)]),
        'domains/c6.kintone.com': (READ, [domain]),
        'domains/c2.kintone.com': (READ, [frozen]),
        'domains/c7.kintone.com': (READ, [(('#do-restore',), OPERATE)]),
        'domains/free.kintone.com': (READ, [(('#do-register',), REGISTER)]),
        'domains/held.kintone.com': (READ, [(('#do-activate', '#do-letgo'), OPERATE)]),
        'domains/mine.kintone.com': (READ, [(('#do-activate', '#do-letgo'), REGISTER)]),
        'tenants/tenant-6': (READ, [(('#do-move', '#do-mode', '#do-register'), OPERATE)]),
        'migrations': (AUDIT, [(('a.button[href="#/migrations/new"]',), OPERATE)]),
        'migrations/new': (OPERATE, [(('form button[type=submit]', '#add-wave'), OPERATE)]),
        f'migrations/{waves}': (AUDIT, [(('#cancel', '#wave-1-announce', '#wave-1-freeze', '#wave-1-approve', '#wave-2-freeze', '#wave-2-withdraw', '#wave-2-approve',
                                          '#wave-3-cutover', '#wave-3-thaw', '#wave-4-rollback'), OPERATE)]),
        f'migrations/{done}': (AUDIT, [(('#finalize', '#wave-1-rollback'), OPERATE)]),
        'history': (AUDIT, [(('#verify', '#csv'), AUDIT)]),
        'agents': (AUDIT, [(('#evict-edge-1',), OPERATE)]),
        'locations': (READ, [(('#locations-create', '#switch-aws', '#change-aws', '#change-japan', '#switch-kyoto', '#change-kyoto', '#delete-kyoto'), ADMINISTER)]),
        'drift': (AUDIT, [(('form button[type=submit]',), AUDIT)]),
        'tokens': (ADMINISTER, [(('#tokens-create', '[id^=revoke-]'), ADMINISTER)]),
    }


# What every write needs, and reading what not every role may: asked with a body that says nothing.
def requests(waves):
    wave = f'/v1/migrations/{waves}/waves/1'
    return [
        *((REGISTER, *each) for each in (('POST', '/v1/domains'), ('POST', '/v1/domains/held.kintone.com/activate'), ('DELETE', '/v1/domains/nobody.kintone.com'),
                                         ('GET', '/v1/domains/free.kintone.com/availability'))),
        *((AUDIT, *each) for each in (('GET', '/v1/history'), ('GET', '/v1/history/head'), ('GET', '/v1/agents'), ('GET', '/v1/migrations'), ('POST', '/v1/drift?location=aws'),
                                      ('GET', f'{wave}/safety'), ('GET', '/v1/domains/c6.kintone.com/history'))),
        *((OPERATE, *each) for each in (('PATCH', '/v1/domains/c6.kintone.com'), ('POST', '/v1/domains/c7.kintone.com/restore'), ('PATCH', '/v1/tenants/tenant-6'),
                                        ('POST', '/v1/migrations'), ('DELETE', '/v1/agents/nobody'), ('POST', '/v1/migrations/m-none/cancel'), ('POST', '/v1/migrations/m-none/finalize'),
                                        *(('POST', f'{wave}/{step}') for step in ('announce', 'freeze', 'cutover', 'rollback', 'approve')), ('POST', '/v1/migrations/m-none/waves/1/thaw'))),
        *((ADMINISTER, *each) for each in (('PUT', '/v1/locations/kobe'), ('DELETE', '/v1/locations/nowhere'), ('GET', '/v1/tokens'), ('POST', '/v1/tokens'),
                                           ('DELETE', '/v1/tokens/nobody'))),
    ]


# Buttons that do something to what is shown, and are of no role: copying, asking again, choosing, showing more.
LOOKING = ('[aria-pressed]', '#clear', '#earlier', '[id$=-domains]', '#then button', '.wave-row button', '[hidden]')
OFFERED = f"""const found = [...document.querySelectorAll('main button, main a.button')].filter((e) => e.checkVisibility() && e.textContent !== 'Copy' && !{json.dumps(LOOKING)}.some((s) => e.matches(s)));
  const wanted = arguments[0].map((s) => [...document.querySelectorAll(`main ${{s}}`)].filter((e) => e.checkVisibility()));
  return [arguments[0].filter((s, i) => wanted[i].length), found.filter((e) => !wanted.flat().includes(e)).map((e) => e.id || e.textContent)]"""


# By what it's known that a page is whole, where nothing on it says that it's loading.
WHOLE = {'domains?q=free.kintone.com': 'section[aria-label="This very name"]', 'tokens': 'table tbody tr', 'agents': 'table tbody tr', 'locations': 'table tbody tr'}


def look(browser, role, where, sees, offers):
    browser.open(f'#/{where}')
    if role not in sees:
        check(f'{role}: {where} says that it isn’t for this role', f'A token of the role {role} may not see this' in browser.text('main') and not browser.all('main button'))
        return
    browser.see(WHOLE.get(where, 'h1'))
    wanted = [each for selectors, roles in offers if role in roles for each in selectors]
    every = [each for selectors, _ in offers for each in selectors]
    last = []

    def fits():
        last[:] = browser.run(OFFERED, every)
        return last[0] == wanted and not last[1] and not browser.all('main .loading') and 'Loading…' not in browser.text('main')
    try:
        browser.until(fits, what=f'{role} at {where}')
    finally:
        check(f'{role}: {where or "overview"} offers {wanted or "nothing"}' + ('' if last[0] == wanted and not last[1] else f', not {last}'), last[0] == wanted and not last[1])


def main():
    with Stage() as stage:
        registry = stage.put(Registry('--agent-lease', '3600'))
        tokens = {role: registry.make_token(f'a-{role}', role) for role in ROLES}
        waves, done = fill(registry, tokens['registrar'])
        browser = stage.put(Browser(registry.console, registry.token))
        for role in ROLES:
            browser.driver.get(registry.console)
            browser.sign_in(tokens[role])
            # The page of the one before may still have asked, with the token of this one.
            browser.complaints()
            menu = [each.get_attribute('href').split('#/')[1] or 'overview' for each in browser.all('.top nav a')]
            check(f'{role}: the menu has {menu}', menu == [page for page, sees in MENU.items() if role in sees])
            for where, (sees, offers) in pages(waves, done).items():
                look(browser, role, where, sees, offers)
            for may, method, path in requests(waves):
                # Who may is told what is missing in it, or that there is no such thing.
                status = registry.status(path, method, None if method == 'GET' else '{"nothing": 1}', tokens[role])
                check(f'{role}: {method} {path} is {"let in" if role in may else "refused"}: {status}', (status == 403) == (role not in may))
            browser.open('#/nowhere')
            browser.says('There is no such page')
            browser.quiet(role, ('/c7.kintone.com', '/free.kintone.com', '/held.kintone.com', '/mine.kintone.com'))


if __name__ == '__main__':
    main()
