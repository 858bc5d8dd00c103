#!/usr/bin/env python3
"""What stands in a wave's way, by clicks: the guard, a second person's approval, agents that aren't safe, a freeze that ends by itself, a registry
that hangs; and many waves, with a thousand rows."""
import signal

from ground import Browser, Registry, Stage, check

HOSTILE = '<img src=x onerror=alert(1)>"\'&{n}'
JAPANESE = '第二四半期のデータセンター移行に伴い、東京リージョンのお客様を順次クラウドへ移動するための計画です。' * 3


def summary(browser, wave):
    return browser.text(f'[data-wave="{wave}"] summary')


def guarded_and_approved(registry, admin):
    """A filter: 500 domains in a wave are more than the guard and one person allow; an operator has planned it."""
    operator, other = Browser(registry.console, registry.make_token('ops', 'operator')), Browser(registry.console, registry.make_token('second', 'operator'))
    try:
        operator.open('#/migrations/new')
        operator.click('input[name=kind][value=filter]')
        operator.fill('input[name=prefix]', 'c000')
        operator.fill('input[name=name]', HOSTILE)
        operator.click('form button[type=submit]')
        operator.says('What would happen')
        operator.says('100', '.facts')
        operator.click('.result details summary')
        operator.until(lambda: len(operator.all('.result table.endless tbody tr')) >= 50, what='who moves')
        operator.until(lambda: 'prefix=c000' in operator.driver.current_url)
        operator.driver.refresh()
        operator.until(lambda: operator.see('input[name=prefix]').get_attribute('value') == 'c000', what='the filter after a reload')
        check('a reload keeps the filter', True)
        operator.fill('input[name=prefix]', 'c00')
        for _ in range(2):
            operator.click('.wave-row button')
        operator.until(lambda: len(operator.all('.wave-row')) == 1)
        operator.click('#add-wave')
        operator.choose('.wave-row:nth-child(1) select', 'count')
        operator.fill('.wave-row:nth-child(1) input', '500')
        operator.click('form button[type=submit]')
        operator.says('Guard', '.result')
        operator.says('Needs approval', '.result')
        operator.click('#plan-go')
        operator.confirm(reason=JAPANESE[:100])
        operator.see('.wave')
        big = registry.call('GET', '/v1/migrations')['items'][0]
        check('a hostile name is a text', big['name'] == HOSTILE and HOSTILE in operator.text('h1') and not operator.all('main img'))
        check('who has planned it may not approve it', not operator.all('#wave-1-approve') and not operator.all('#wave-1-freeze'))
        operator.says('planned with your token')
        other.open(f"#/migrations/{big['id']}")
        other.click('#wave-1-approve')
        other.confirm(reason='looked at it')
        for each in (other, operator):
            each.says('Approved by second')
        check('a second person approves, and both see it', True)

        operator.click('#wave-1-freeze')
        check('500 domains are typed', operator.shut())
        operator.fill('dialog input[name=confirm]', '500')
        operator.submit()
        operator.says('Only an admin', 'dialog')
        check('an operator is offered no way around the guard', not operator.all('dialog input[name=override]'))
        admin.open(f"#/migrations/{big['id']}")
        admin.click('#wave-1-freeze')
        admin.fill('dialog input[name=confirm]', '500')
        admin.fill('dialog input[name=reason]', 'tonight')
        admin.submit()
        admin.says('You may set the guard aside', 'dialog')
        admin.click('dialog input[name=override]')
        admin.fill('dialog input[name=override-reason]', 'the data centre closes')
        admin.submit()
        admin.closed(60)
        admin.says('guard set aside: the data centre closes')
        item = registry.call('GET', f"/v1/history?migration={big['id']}&action=frozen&limit=1")['items'][0]
        check('history has both reasons', (item['reason'], item['override_reason']) == ('tonight', 'the data centre closes'))
    finally:
        operator.close()
        other.close()


def unsafe_agents(registry, admin, agent, small):
    """An agent that hears nothing isn't safe at first, and the cutover says who; once its lease is over, it has fenced itself."""
    admin.open(f"#/migrations/{small['id']}")
    admin.click('#wave-1-announce')
    admin.confirm(60)
    agent.send_signal(signal.SIGSTOP)
    try:
        admin.click('#wave-1-freeze')
        admin.confirm(wait='0', minutes='30')
        admin.says('not safe', '.wave .agents')
        admin.click('#wave-1-cutover')
        admin.submit()
        admin.says('Not yet: edge-tokyo-1', 'dialog')
        check('nothing moves while an agent isn’t safe', registry.location_of('c02900.kintone.com')['location'] == 'japan')
        admin.says('fences itself', 'dialog .agents', 30)
        admin.fill('dialog input[name=wait]', '1')
        admin.submit()
        admin.closed()
        admin.says('don’t have it yet', '.wave')
        admin.says('silent', '.wave .agents', 30)
        check('it moves once the agent has fenced itself', registry.location_of('c02900.kintone.com')['location'] == 'aws')
    finally:
        agent.send_signal(signal.SIGCONT)
    admin.says('has it', '.wave .agents', 30)


def by_themselves(registry, admin, small):
    step = {'plan_digest': small['plan_digest'], 'expected_count': 2}
    path = f"/v1/migrations/{small['id']}/waves/2"
    registry.call('POST', f'{path}/freeze', {**step, 'deadline_seconds': 8})
    admin.until(lambda: 'frozen' in summary(admin, 2), what='the freeze')
    clock = admin.text('[data-wave="2"] [role=timer]')
    check(f'a clock counts down: {clock}', clock.startswith('0:0'))
    admin.until(lambda: 'planned' in summary(admin, 2), 30, 'the thaw')
    check('a freeze that ends by itself is seen', True)
    registry.server.send_signal(signal.SIGSTOP)
    admin.says('The registry doesn’t answer', '#away', 60)
    check('what was shown stays', 'small' in admin.text('h1') and len(admin.all('.wave')) == 2)
    registry.server.send_signal(signal.SIGCONT)
    registry.call('POST', f'{path}/announce', step)
    admin.until(lambda: 'announced' in summary(admin, 2), 60, 'it goes on')
    admin.click('#wave-2-withdraw')
    admin.confirm()
    admin.until(lambda: 'planned' in summary(admin, 2), what='the announcement is taken back')

    # What is typed stays while the page looks again, and so does the focus.
    admin.click('#wave-2-freeze')
    admin.fill('dialog input[name=reason]', 'half a sen')
    registry.call('POST', f'{path}/announce', step)
    admin.until(lambda: 'announced' in admin.run("return document.querySelector('[data-wave=\"2\"] summary').textContent"), what='the page to look again')
    check('what is typed stays, with the focus', admin.run('return document.activeElement.value') == 'half a sen')
    admin.cancel()


def many(registry, admin):
    plan = registry.call('POST', '/v1/migrations', {'name': 'many', 'from': 'japan', 'to': 'aws', 'select': {'where': {'prefix': 'c02'}}, 'freeze': 'none',
                                                    'waves': [{'count': 2}] * 300 + [{'rest': True}]})
    admin.go(f"#/migrations/{plan['id']}")
    admin.until(lambda: len(admin.all('.wave')) == len(plan['waves']), what='all waves')
    admin.scroll_to_rows(900)
    height = admin.run('return scrollY')
    registry.call('POST', f"/v1/migrations/{plan['id']}/waves/1/cutover", {'plan_digest': plan['plan_digest'], 'expected_count': 2})
    admin.until(lambda: 'moved' in admin.run("return document.querySelector('table.endless tbody tr:first-child').textContent"), what='the rows are as the wave is')
    check('300 waves and a thousand rows follow, and the page stays where it was', abs(admin.run('return scrollY') - height) < 400)


def main():
    with Stage() as stage:
        registry = stage.put(Registry('--fence-after', '3', '--agent-lease', '6', '--approve-above', '150', '--max-wave-domains', '400'))
        agent = registry.agent('edge-tokyo-1')
        registry.register([{'fqdn': f'c{i:05}.kintone.com', 'tenant': f'tenant-{i // 2}', 'location': 'japan'} for i in range(3000)])
        admin = stage.put(Browser(registry.console, registry.token))
        guarded_and_approved(registry, admin)
        small = registry.call('POST', '/v1/migrations', {'name': 'small', 'from': 'japan', 'to': 'aws', 'freeze': 'reject', 'waves': [{'count': 2}, {'rest': True}],
                                                         'select': {'fqdns': [f'c0290{i}.kintone.com' for i in range(4)]}})
        unsafe_agents(registry, admin, agent, small)
        by_themselves(registry, admin, small)
        many(registry, admin)
        # Refusals that were meant, which Chromium itself notes.
        admin.quiet(allowed=('409 (Conflict)', '403 (Forbidden)', '422 (Unprocessable Content)'))


if __name__ == '__main__':
    main()
