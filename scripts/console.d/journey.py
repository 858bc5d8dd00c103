#!/usr/bin/env python3
"""The whole journey of a migration by clicks alone, against a real registry with a real agent and nginx that follows it: plan, announce, freeze,
cut over, roll back, again, finalize. Each step is checked at the registry, at the agent, by what a visitor gets, and by a second person's browser."""
from ground import Browser, Nginx, Registry, Stage, check

NAMES = [f'c{i:05}.kintone.com' for i in range(40)]


def step(browser, wave, name, reason, **fields):
    browser.click(f'#wave-{wave}-{name}')
    browser.see('dialog[open]')
    for field, value in {'reason': reason, 'ticket': 'OPS-7', **fields}.items():
        browser.fill(f'dialog input[name={field}]', value)
    browser.click('dialog button[type=submit]')
    browser.until(lambda: not browser.all('dialog'), 60, f'the end of {name}')


def journey():
    with Stage() as stage:
        registry = stage.put(Registry('--fence-after', '3', '--agent-lease', '20'))
        registry.agent('edge-tokyo-1')
        registry.register([{'fqdn': each, 'tenant': f'tenant-{i // 2}', 'location': 'japan'} for i, each in enumerate(NAMES)])
        registry.wait(lambda: registry.agent_route(NAMES[0])[0] == 'japan')
        nginx = Nginx(registry)
        registry.wait(lambda: nginx.visit(NAMES[0]) == 'japan')

        def visitors(what, name, reading, writing):
            seen = nginx.visit(name), nginx.visit(name, 'POST')
            check(f'nginx: {what}: {seen}', seen == (reading, writing))

        visitors('nobody lives there', 'nobody.kintone.com', 404, 404)
        visitors('before', NAMES[0], 'japan', 'japan')
        first = stage.put(Browser(registry.console, registry.make_token('ops', 'operator')))
        second = stage.put(Browser(registry.console, registry.make_token('colleague', 'auditor')))

        # Plan: from the menu, by a pasted list, the dry run first.
        first.click('nav a[href="#/migrations"]')
        first.click('a.button.primary')
        first.fill('input[name=name]', 'to the cloud')
        first.fill('textarea', f'https://{NAMES[0].upper()}:443/k/\n' + '\n'.join(NAMES[1:20]) + '\nnobody.kintone.com\nno name at all')
        first.click('form button[type=submit]')
        first.says('What would happen')
        first.says('nobody has registered it', '.result')
        first.says('this can’t be a name', '.result')
        check('a dry run has written nothing', registry.call('GET', '/v1/migrations')['items'] == [])
        first.click('#plan-go')
        first.fill('dialog input[name=reason]', 'the move to AWS')
        first.click('dialog button[type=submit]')
        first.see('.wave')
        migration = registry.call('GET', '/v1/migrations')['items'][0]
        check('it is planned with its reason', (migration['name'], migration['reason'], [w['size'] for w in migration['waves']]) == ('to the cloud', 'the move to AWS', [10, 2, 8]))
        address = first.driver.execute_script('return location.hash')
        check('its address names it', address.startswith(f"#/migrations/{migration['id']}"))

        # A second person sees the same, and may do nothing.
        second.go(address)
        second.says('to the cloud')
        check('an auditor is offered no step', not second.all('.wave .primary') and not second.all('#cancel'))

        def wave(number):
            return registry.call('GET', f"/v1/migrations/{migration['id']}")['waves'][number - 1]

        step(first, 1, 'announce', 'soon')
        check('announced', wave(1)['state'] == 'announced')
        first.says('knows of it', '.wave .agents')
        second.says('announced', '.wave summary')

        step(first, 1, 'freeze', 'copying', minutes='20')
        check('frozen, by the registry and at the agent', wave(1)['state'] == 'frozen' and registry.agent_route(NAMES[0]) == ('japan', 'read_only'))
        visitors('frozen, one reads and writes nothing', NAMES[0], 'japan', 503)
        visitors('who isn’t of the wave writes', NAMES[30], 'japan', 'japan')
        first.says('No write gets to the source any more', '.wave')
        first.says('Now is the time to copy', '.wave')
        left = first.text('.wave summary [role=timer]')
        first.until(lambda: first.text('.wave summary [role=timer]') != left, 5, 'a clock that runs')
        check('about 20 minutes are left', left.startswith('19:5') or left.startswith('20:0'))
        second.says('frozen', '.wave summary')
        second.see('.wave summary [role=timer]')

        # A reload shows the same.
        before = first.text('.wave summary').split('\n')[0]
        first.driver.refresh()
        first.see('.wave')
        check('a reload shows the same', first.text('.wave summary').split('\n')[0] == before)
        first.says('has the freeze', '.wave .agents')

        step(first, 1, 'cutover', 'copied')
        check('moved, by the registry and at the agent', wave(1)['state'] == 'moved' and registry.agent_route(NAMES[0]) == ('aws', 'serve'))
        visitors('moved', NAMES[0], 'aws', 'aws')
        visitors('who isn’t of the wave stays', NAMES[30], 'japan', 'japan')
        second.says('moved', '.wave summary')
        first.click('#wave-1-domains')
        first.until(lambda: len(first.all('table.endless tbody tr')) == 10, 10, 'the domains of wave 1')
        check('its domains are said to have moved', 'moved' in first.text('table.endless tbody'))

        # Somebody changes one meanwhile: the roll back says which, and leaves it only when told so.
        registry.call('PATCH', f'/v1/domains/{NAMES[2]}', {'mode': 'reject'})
        first.click('#wave-1-rollback')
        first.fill('dialog input[name=reason]', 'errors at AWS')
        first.click('dialog button[type=submit]')
        first.says('changed since', 'dialog .conflicts')
        first.says(NAMES[2], 'dialog .conflicts')
        check('nothing was rolled back', wave(1)['state'] == 'moved')
        first.click('dialog input[name=skip]')
        first.click('dialog button[type=submit]')
        first.until(lambda: not first.all('dialog'), 60, 'the roll back')
        check('rolled back, but for the tenant of the one that changed', wave(1)['state'] == 'rolled_back'
              and registry.agent_route(NAMES[0])[0] == 'japan' and registry.agent_route(NAMES[2])[0] == 'aws' and registry.agent_route(NAMES[3])[0] == 'aws')
        visitors('rolled back', NAMES[0], 'japan', 'japan')
        visitors('left where it is', NAMES[3], 'aws', 'aws')
        first.says('left where they are', '.wave')

        # The second wave goes all the way, without being announced.
        first.until(lambda: first.all('[data-wave="2"][open]') or not first.click('#wave-2'), 10)
        step(first, 2, 'freeze', 'copying two')
        step(first, 2, 'cutover', 'copied two')
        check('the second wave has moved', wave(2)['state'] == 'moved')
        first.click('#cancel')
        first.click('dialog button[type=submit]')
        first.until(lambda: not first.all('dialog'), 30)
        check('the third is cancelled', wave(3)['state'] == 'cancelled')

        # Again: what was rolled back is planned anew, from the wave itself.
        first.click('[data-wave="1"] a[href*="again="]')
        first.until(lambda: NAMES[0] in first.see('textarea').get_attribute('value'), 10, 'the list of the wave')
        first.click('form button[type=submit]')
        first.says('it doesn’t live at the source', '.result')
        first.click('#plan-go')
        first.click('dialog button[type=submit]')
        first.see('.wave')
        again = next(each for each in registry.call('GET', '/v1/migrations')['items'] if each['id'] != migration['id'])
        check('planned again, in one wave', [w['size'] for w in again['waves']] == [8])
        step(first, 1, 'announce', 'again')
        step(first, 1, 'freeze', 'again')
        step(first, 1, 'cutover', 'again')
        visitors('moved again', NAMES[0], 'aws', 'aws')
        check('all are at AWS', all(registry.location_of(each)['location'] == 'aws' for each in NAMES[:12]))
        first.click('#finalize')
        first.see('dialog')
        check('finalizing asks for the name', not first.see('dialog button[type=submit]').is_enabled())
        first.fill('dialog input[name=confirm]', again['name'])
        first.click('dialog button[type=submit]')
        first.until(lambda: not first.all('dialog'), 30)
        first.says('finalized', '.heading')
        check('finalized', registry.call('GET', f"/v1/migrations/{again['id']}")['state'] == 'finalized')
        first.click('nav a[href="#/migrations"]')
        first.until(lambda: len(first.all('table tbody tr')) == 2, 10, 'both in the list')
        check('the newest comes first', first.text('table tbody tr').startswith(again['name']))

        history = registry.call('GET', f"/v1/history?migration={migration['id']}&action=rolled_back&limit=1")['items'][0]
        check('history has who and why', (history['actor']['name'], history['reason'], ) == ('ops', 'errors at AWS'))
        # The conflict that was meant is a 409, which Chromium itself notes.
        for browser in (first, second):
            browser.quiet(allowed=('409 (Conflict)',))


if __name__ == '__main__':
    journey()
