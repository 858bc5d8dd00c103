#!/usr/bin/env python3
"""Domains and tenants by clicks: search, register, hold, move, suspend, release, restore, as of another time. Each dialog says first what will
happen, and each change is then looked up at the registry with its reason and its ticket."""
from ground import check, play

ROWS = 'table.endless tbody tr'


def seed(registry, _):
    registry.call('PUT', '/v1/locations/japan', {'upstream': 'https://jp.example.com', 'accepts_signups': True, 'default_for_signups': True})
    registry.register([
        {'fqdn': 'acme.kintone.com', 'tenant': 'acme-inc', 'location': 'japan'}, {'fqdn': 'acme-shop.kintone.com', 'tenant': 'acme-inc', 'location': 'japan'},
        {'fqdn': 'acme-hr.kintone.com', 'tenant': 'acme-inc', 'location': 'japan'}, {'fqdn': 'globex.kintone.com', 'tenant': 'globex', 'location': 'aws'},
        {'fqdn': 'xn--r8jz45g.kintone.com', 'tenant': '株式会社例え', 'location': 'japan'}, {'fqdn': 'xn--bcher-kva.kintone.com', 'tenant': 'Bücher & Söhne', 'location': 'japan'},
        {'fqdn': 'umbrella.kintone.com', 'tenant': '<img src=x onerror=alert(1)>', 'location': 'aws'}, {'fqdn': 'gone.kintone.com', 'tenant': 'gone-co', 'location': 'japan'},
        {'fqdn': 'hooli.kintone.com', 'tenant': 'hooli', 'location': 'japan'}, {'fqdn': 'split-a.kintone.com', 'tenant': 'splitco', 'location': 'japan'}])
    registry.call('POST', '/v1/domains', {'fqdn': 'split-b.kintone.com', 'tenant': 'splitco', 'location': 'aws', 'allow_split': True})
    registry.register([{'fqdn': f'bulk{i:05}.kintone.com', 'tenant': f'bulk-{i if i > 150 else 0}', 'location': 'japan' if i <= 150 or i % 3 else 'aws'} for i in range(1500)])
    registry.call('DELETE', '/v1/domains/gone.kintone.com?reason=contract%20ended')
    registry.call('POST', '/v1/domains', {'fqdn': 'held-one.kintone.com', 'tenant': 'heldco', 'hold_seconds': 86400}, token=registry.make_token('signup', 'registrar'))
    registry.call('POST', '/v1/domains', {'fqdn': 'held-two.kintone.com', 'hold_seconds': 86400})
    plan = registry.call('POST', '/v1/migrations', {'name': 'tonight', 'from': 'japan', 'to': 'aws', 'select': {'fqdns': ['hooli.kintone.com']}, 'freeze': 'read_only'})
    registry.call('POST', f"/v1/migrations/{plan['id']}/waves/1/freeze", {'plan_digest': plan['plan_digest'], 'expected_count': 1, 'deadline_seconds': 3600})


def search(registry, browser):
    browser.open('#/domains')
    for typed, *said in [
            ('HTTPS://Acme.Kintone.COM:8443/k/?x=1', 'Read as acme.kintone.com', 'acme-inc'),
            ('acme-', 'Names that begin with “acme-”', 'acme-shop.kintone.com'),
            ('splitco', 'Tenants that begin with “splitco”', 'in several places'),
            ('kintone.com', 'Names that contain “kintone.com”', 'acme.kintone.com'),
            ('me-sh', 'Names that contain “me-sh”', 'acme-shop.kintone.com'),
            ('例え.kintone.com', 'xn--r8jz45g.kintone.com', '株式会社例え'),
            ('例え', 'Names that begin with “xn--r8jz45g”', '例え.kintone.com'),
            ('　ＡＣＭＥ．kintone．com ', 'Read as acme.kintone.com'),
            ('nobody-here.kintone.com', 'The name is free.', 'No name fits.'),
            ('gone.kintone.com', 'in quarantine. Free again'),
            ('held-one.kintone.com', 'Held by token'),
            ('<b>x</b>', 'No name fits.'),
            ('a..b', 'No name fits.')]:
        browser.fill('#search', typed)
        for each in said:
            browser.says(each)
        check(f'search understands {typed.strip()}', not browser.all('main b'))
    browser.fill('#search', 'bulk')
    browser.says('bulk00099')
    browser.choose('#in-location', 'aws')
    browser.until(lambda: 'bulk00153' in browser.text() and 'bulk00152' not in browser.text(), what='those of one location')
    check('the address has what is searched for', 'location=aws' in browser.driver.current_url and 'q=bulk' in browser.driver.current_url)
    browser.driver.refresh()
    browser.says('bulk00153')
    check('a reload shows the same', browser.see('#search').get_attribute('value') == 'bulk' and 'bulk00152' not in browser.text())
    browser.choose('#in-location', '')
    browser.choose('#in-mode', 'reject')
    browser.says('No name fits.')
    browser.choose('#in-mode', '')
    browser.fill('#of-tenant', 'acme-inc')
    browser.fill('#search', '')
    browser.until(lambda: len(browser.all(ROWS)) == 3, what='the domains of a tenant')
    browser.fill('#of-tenant', '')
    browser.fill('#below', 'acme.kintone.com')
    browser.until(lambda: len(browser.all(ROWS)) == 1, what='what is below a name')
    browser.fill('#below', '')
    browser.fill('#search', 'bulk')
    browser.until(lambda: len(browser.all(ROWS)) >= 100)
    browser.scroll_to_rows(500)
    check('the list goes on as one scrolls', True)

    # What changes is shown by itself, and the page stays where it is.
    before = browser.run('return scrollY')
    texts = "return [...document.querySelectorAll('table.endless tbody tr')].map((e) => e.textContent)"
    registry.call('PATCH', '/v1/domains/bulk00200.kintone.com', {'mode': 'reject'})
    browser.until(lambda: any(each.startswith('bulk00200.') and 'rejecting' in each for each in browser.run(texts)), what='a change shows by itself')
    registry.call('POST', '/v1/domains', {'fqdn': 'bulk00200a.kintone.com'})
    browser.until(lambda: [each[:10] for each in browser.run(texts) if each.startswith('bulk00200')] == ['bulk00200.', 'bulk00200a'], what='a new one in its place')
    registry.call('DELETE', '/v1/domains/bulk00200a.kintone.com')
    browser.until(lambda: not any(each.startswith('bulk00200a') for each in browser.run(texts)), what='a released one goes')
    check('the page stays where it was', abs(browser.run('return scrollY') - before) < 100)


def register(registry, browser):
    browser.open('#/domains')
    browser.click('#register')
    browser.fill('dialog input[name=fqdn]', 'https://New-One.kintone.com/')
    browser.says('The name is free.', 'dialog')
    browser.says('It goes to the default', 'dialog')
    browser.fill('dialog input[name=tenant]', 'globex')
    browser.says('goes where its tenant', 'dialog')
    browser.accessible('to register')
    browser.confirm(reason='signup', ticket='CRM-1')
    browser.says('Done: revision', '#toasts')
    made = registry.location_of('new-one.kintone.com')
    check('registered where its tenant is', (made['tenant'], made['location']) == ('globex', 'aws'))
    last = registry.call('GET', '/v1/domains/new-one.kintone.com/history')['items'][0]
    check('with a reason and a ticket', (last['reason'], last['ticket']) == ('signup', 'CRM-1'))
    browser.click('#register')
    browser.fill('dialog input[name=fqdn]', 'acme.kintone.com')
    browser.says('The name is registered.', 'dialog')
    browser.submit()
    browser.says('The name is registered.', 'dialog .notice.bad')
    browser.cancel()
    browser.click('#register')
    browser.fill('dialog input[name=fqdn]', 'zeta.acme.kintone.com')
    browser.says('Another tenant has a name', 'dialog')
    browser.says('Let it stand', 'dialog')
    browser.submit()
    browser.says('Another tenant', 'dialog .notice.bad')
    browser.click('dialog .check input')
    browser.submit()
    browser.closed()
    check('an exception is asked for', registry.location_of('zeta.acme.kintone.com')['location'] == 'japan')

    # Held: nobody else's, and not served yet.
    browser.open('#/domains?q=held-three.kintone.com')
    browser.click('#register-this')
    browser.says('The name is free.', 'dialog')
    browser.put('dialog .field:has(option[value="3600"]) select', '3600')
    browser.says('nothing serves it', 'dialog')
    browser.submit()
    browser.closed()
    browser.says('Held by token')
    browser.choose('#in-state', 'held')
    browser.open('#/domains?state=held')
    browser.says('held-two.kintone.com')
    browser.click('button[aria-label="Activate held-three.kintone.com"]')
    browser.says('What will be otherwise', 'dialog')
    browser.confirm(reason='paid')
    browser.until(lambda: registry.location_of('held-three.kintone.com')['mode'] == 'serve', what='it is activated')
    browser.open('#/domains/held-two.kintone.com')
    browser.click('#do-letgo')
    browser.says('isn’t held any more', 'dialog')
    browser.confirm()
    browser.says('The name is free.')
    check('held, activated, let go', True)
    return '409 (Conflict)',


def changes(registry, browser):
    domain = 'globex.kintone.com'
    browser.open(f'#/domains/{domain}')
    moves = [
        ('#do-move', 'aws → japan', {'reason': 'closer', 'ticket': 'OPS-7'}, {'location': 'japan'}),
        ('#do-suspend', 'serving → rejecting', {'reason': 'unpaid', 'ticket': 'OPS-8'}, {'mode': 'reject'}),
        ('#do-resume', 'rejecting → serving', {'reason': 'paid', 'ticket': 'OPS-9'}, {'mode': 'serve'})]
    # Its tenant's other domain was registered beside it, and would be left alone.
    registry.call('PATCH', '/v1/domains/new-one.kintone.com', {'tenant': 'newco'})
    browser.until(lambda: 'other domain' not in browser.text(), what='its tenant has no other domain')
    for button, said, note, after in moves:
        browser.click(button)
        browser.says(said, 'dialog')
        check(f'{button} says first what will happen', not registry.location_of(domain).items() >= after.items())
        browser.confirm(**note)
        browser.says(note['reason'], '.timeline')
        browser.says(note['ticket'], '.timeline')
        last = registry.call('GET', f'/v1/domains/{domain}/history')['items'][0]
        check(f'{button} is done, with its reason and ticket', registry.location_of(domain).items() >= after.items()
              and (last['reason'], last['ticket']) == (note['reason'], note['ticket']))
    browser.click('#do-change')
    browser.says('Nothing: it’s so already', 'dialog')
    browser.submit()
    browser.says('Nothing would change', 'dialog')
    browser.fill('dialog input[name=tenant]', 'splitco')
    browser.says('globex → splitco', 'dialog')
    browser.submit()
    browser.closed()
    browser.says('Its tenant lives in several places')
    browser.says('Its tenant’s 2 other domains')
    browser.click('#do-change')
    browser.fill('dialog input[name=tenant]', '')
    browser.says('splitco → none', 'dialog')
    browser.submit()
    browser.closed()
    browser.until(lambda: 'tenant' not in registry.location_of(domain), what='it has no tenant')

    # A tenant isn't parted without somebody meaning it.
    browser.open('#/domains/acme.kintone.com')
    browser.says('Its tenant’s 2 other domains')
    browser.click('#do-move')
    browser.says('A customer’s data lives in one place', 'dialog')
    browser.says('acme-shop', 'dialog')
    browser.accessible('to part a tenant')
    browser.submit()
    browser.says('part the domain', 'dialog .notice.bad')
    browser.click('dialog .check input')
    browser.submit()
    browser.closed()
    browser.says('apart from its tenant')
    registry.call('PATCH', '/v1/domains/acme.kintone.com', {'location': 'japan'})
    browser.until(lambda: browser.text('main .facts .location') == 'japan')

    # Somebody was quicker: nothing is written over.
    browser.click('#do-suspend')
    browser.says('serving → rejecting', 'dialog')
    registry.call('PATCH', '/v1/domains/acme.kintone.com', {'mode': 'read_only'})
    browser.submit()
    browser.says('changed meanwhile', 'dialog')
    check('what somebody else did stays', registry.location_of('acme.kintone.com')['mode'] == 'read_only')
    browser.cancel()

    # A frozen one isn't offered what the freeze would refuse.
    browser.open('#/domains/hooli.kintone.com')
    browser.says('holds it frozen')
    browser.see('#do-change')
    check('a frozen one is neither moved nor released', not browser.all('#do-move') and not browser.all('#do-release'))
    return '422 (Unprocessable Content)', '409 (Conflict)', '412 (Precondition Failed)'


def release(registry, browser):
    browser.open('#/domains/bücher.kintone.com')
    check('a name is shown as people write it', browser.text('h1') == 'bücher.kintone.com')
    browser.click('#do-release')
    check('a release is confirmed by the name', browser.shut())
    browser.says('in quarantine', 'dialog')
    browser.confirm(confirm='bücher.kintone.com', reason='contract ended', ticket='OPS-10')
    browser.says('This domain was released')
    browser.says('in quarantine')
    registry.call('GET', '/v1/domains/xn--bcher-kva.kintone.com', expect=(404,))
    browser.click('#do-restore')
    browser.says('served again', 'dialog')
    browser.says('Bücher & Söhne', 'dialog')
    browser.confirm(reason='a mistake', ticket='OPS-11')
    browser.see('#do-release')
    items = registry.call('GET', '/v1/domains/xn--bcher-kva.kintone.com/history')['items'][:2]
    check('released and restored, with reasons and tickets', [(each['action'], each['reason'], each['ticket']) for each in items]
          == [('restored', 'a mistake', 'OPS-11'), ('released', 'contract ended', 'OPS-10')])


def as_of(registry, browser):
    moved = next(each for each in registry.call('GET', '/v1/domains/globex.kintone.com/history')['items'] if each.get('reason') == 'closer')
    browser.open(f"#/domains/globex.kintone.com?revision={moved['revision'] - 1}")
    browser.says(f"Right after revision {moved['revision'] - 1:,}", '#then')
    browser.says('aws', '#then')
    browser.click(f".timeline li[data-revision='{moved['revision']}'] a[href*='revision=']")
    browser.says('japan', '#then')
    browser.fill('#at-revision', '1')
    browser.click('#then button[type=submit]')
    browser.says('It wasn’t registered then.', '#then')
    check('the address says of when', 'revision=1' in browser.driver.current_url)
    browser.put('#at', '2001-01-01T00:00:00')
    browser.click('#then button[type=submit]')
    browser.until(lambda: 'at=2001' in browser.driver.current_url)
    browser.says('It wasn’t registered then.', '#then')
    browser.put('#at', '2101-01-01T00:00:00')
    browser.click('#then button[type=submit]')
    browser.says('nobody knows the future', '#then')
    check('as of a revision, a time, and no future', True)
    return '400 (Bad Request)', '422 (Unprocessable Content)'


def tenants(registry, browser):
    browser.open('#/tenants/splitco')
    browser.says('several places')
    browser.click('#do-move')
    browser.says('What will be otherwise', 'dialog')
    browser.confirm(reason='whole again', ticket='OPS-12')
    browser.says('domain changed: revision', '#toasts')
    check('a tenant is whole again', registry.call('GET', '/v1/tenants/splitco')['split'] is False)
    browser.open('#/tenants/bulk-0')
    browser.says('151 domains')
    browser.click('#do-mode')
    check('above 100 domains the number is typed', browser.shut())
    browser.accessible('to change a tenant')
    browser.confirm(confirm='151', reason='unpaid')
    browser.says('151 domains changed', '#toasts')
    browser.says('rejecting', 'table')
    browser.open('#/tenants/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E')
    browser.says('1 domain')
    check('a hostile tenant is a text', browser.text('h1') == '<img src=x onerror=alert(1)>' and not browser.all('main img'))
    browser.open('#/tenants/nobody')
    browser.says('No domain has this tenant')
    return '/v1/tenants/nobody',


if __name__ == '__main__':
    play(seed, search, register, changes, release, as_of, tenants)
