#!/usr/bin/env python3
"""Agents, locations, tokens and drift by clicks: evict; create, switch, change and delete a location; a token that is shown once, and one that is
revoked; a list that is dropped, and one of a million names."""
import tempfile

from ground import check, play


def seed(registry, _):
    registry.register([{'fqdn': f'c{i:05}.kintone.com', 'location': 'japan' if i % 5 else 'aws'} for i in range(200)])
    registry.call('PUT', '/v1/locations/japan', {'upstream': 'http://japan.example.com', 'accepts_signups': True, 'default_for_signups': True,
                                                 'dns': {'a': ['192.0.2.10'], 'aaaa': ['2001:db8::10']}})
    registry.call('PUT', '/v1/locations/aws', {'upstream': 'https://aws.example.com', 'accepts_signups': True, 'default_for_signups': False})


def report(registry, name, behind=0):
    head = registry.call('GET', '/v1/history/head')
    registry.call('PUT', f'/v1/agents/{name}', {'epoch': head['epoch'], 'revision': head['revision'] - behind, 'fences': True})


def agents(registry, browser):
    report(registry, 'to-go')
    report(registry, 'edge-1')
    browser.open('#/agents')
    browser.click('#evict-to-go')
    browser.says('It was heard within its lease', 'dialog')
    browser.accessible('to evict')
    check('an eviction is confirmed by the name', browser.shut())
    browser.fill('dialog input[name=confirm]', 'to-go')
    browser.submit()
    check('and asks for a reason', browser.run("return document.querySelector('dialog input[name=reason]').matches(':invalid')") and bool(browser.all('dialog')))
    browser.confirm(reason='<b>box gone</b> 廃棄', ticket='OPS-1')
    browser.until(lambda: not browser.all('#evict-to-go'), what='to-go to be gone')
    item = registry.call('GET', '/v1/agents?evicted=true')['items'][0]
    check('evicted, with reason and ticket', (item['name'], item['evicted']['reason'], item['evicted']['ticket']) == ('to-go', '<b>box gone</b> 廃棄', 'OPS-1'))
    browser.click('#agents-evicted')
    browser.says('<b>box gone</b> 廃棄')
    browser.driver.refresh()
    browser.says('<b>box gone</b> 廃棄')
    check('who is evicted is shown after a reload too', browser.driver.current_url.endswith('#/agents?evicted=1'))
    # A row that is drawn anew keeps the focus of its button.
    browser.run("document.getElementById('evict-edge-1').focus()")
    report(registry, 'edge-1', behind=1)
    browser.until(lambda: 'revision behind' in browser.text('tr:has(#evict-edge-1)'), what='the lag of edge-1')
    check('a row that changes keeps the focus', browser.run('return document.activeElement.id') == 'evict-edge-1')


def locations(registry, browser):
    def named(name):
        return next((each for each in registry.call('GET', '/v1/locations')['items'] if each['name'] == name), None)

    before = named('japan')
    browser.open('#/locations')
    browser.click('#locations-create')
    for field, value in {'name': 'kyoto', 'upstream': 'https://kyoto.example.com/path'}.items():
        browser.fill(f'dialog input[name={field}]', value)
    browser.choose('dialog select[name=dns]', 'addresses')
    browser.fill('dialog textarea', '192.0.2.7\n192.0.2.8')
    browser.accessible('the form of a location')
    browser.submit()
    browser.says('192.0.2.7', 'dialog')
    check('what will be is shown before it is', named('kyoto') is None)
    browser.submit()
    browser.says('/upstream', 'dialog .notice.bad')
    # The form is behind what was shown of it.
    browser.click('dialog[open] .actions button[type=button]')
    check('what was typed is kept', browser.see('dialog input[name=upstream]').get_attribute('value') == 'https://kyoto.example.com/path')
    browser.fill('dialog input[name=upstream]', 'https://kyoto.example.com')
    browser.submit()
    browser.confirm(reason='a third place')
    browser.says('kyoto is there', '#toasts')
    check('created', named('kyoto') == {'name': 'kyoto', 'upstream': 'https://kyoto.example.com', 'accepts_signups': False, 'default_for_signups': False,
                                        'dns': {'a': ['192.0.2.7', '192.0.2.8']}, 'revision': named('kyoto')['revision']})
    browser.click('#switch-kyoto')
    browser.says('kyoto takes no signups now', 'dialog')
    browser.says('signups that name no location go to kyoto', 'dialog')
    browser.accessible('the switch')
    check('the switch says what it switches', browser.text('dialog .facts').split() == ['Now', 'japan', 'From', 'then', 'on', 'kyoto'] and named('japan')['default_for_signups'])
    browser.confirm(reason='signups go to kyoto', ticket='OPS-2')
    browser.says('To kyoto')
    check('signups go there, and nothing else is changed', named('kyoto')['default_for_signups'] and named('kyoto')['accepts_signups'] and named('japan')['dns'] == before['dns'])
    last = registry.call('GET', '/v1/history?order=desc&limit=1')['items'][0]
    check('with a reason and a ticket', (last['reason'], last['ticket']) == ('signups go to kyoto', 'OPS-2'))
    made = registry.call('POST', '/v1/domains', {'fqdn': 'newcomer.kintone.com'})
    check('a signup goes there', made['location'] == 'kyoto')
    registry.call('PATCH', '/v1/domains/newcomer.kintone.com', {'location': 'japan'})
    browser.click('#switch-japan')
    browser.confirm()
    browser.says('To japan')

    # Above a hundred domains the name is typed.
    browser.click('#change-japan')
    browser.fill('dialog input[name=upstream]', 'http://japan2.example.com')
    browser.submit()
    browser.says('are sent to the new upstream', 'dialog')
    check('161 domains are confirmed by the name', browser.shut())
    browser.confirm(confirm='japan')
    browser.says('japan is changed', '#toasts')
    check('changed, and its DNS stays', named('japan')['upstream'] == 'http://japan2.example.com' and named('japan')['dns'] == before['dns'])

    browser.until(lambda: browser.all('#switch-kyoto'), what='kyoto that may be switched to')
    registry.call('DELETE', '/v1/domains/newcomer.kintone.com')
    browser.click('#delete-kyoto')
    browser.confirm(confirm='kyoto')
    browser.says('kyoto is gone', '#toasts')
    check('deleted', named('kyoto') is None)
    return '400 (Bad Request)', '422 (Unprocessable Content)'


def tokens(registry, browser):
    browser.open('#/tokens')
    browser.click('#tokens-create')
    browser.fill('dialog input[name=name]', 'ci <i>&</i>')
    browser.click('dialog input[value=operator]')
    browser.accessible('the form of a token')
    browser.submit()
    secret = browser.see('#tokens-secret').text
    me = registry.call('GET', '/v1/whoami', token=secret)
    check('a token is made, which ends by itself', me['role'] == 'operator' and me['name'] == 'ci <i>&</i>' and bool(me['expires_at']))
    browser.accessible('a token that is shown once')
    browser.click('#language-ja')
    browser.says('今すぐ保管場所に')
    check('the other language shows it still', browser.text('#tokens-secret') == secret)
    browser.click('#language-en')
    browser.says('Copy it now')
    browser.click('#main section.once button.primary')
    browser.until(lambda: not browser.all('#tokens-secret'), what='the secret to be gone')
    check('it is kept nowhere', secret not in browser.driver.page_source and secret not in browser.run('return JSON.stringify([{...sessionStorage}, {...localStorage}])'))
    browser.open('#/agents')
    browser.open('#/tokens')
    browser.see(f"#revoke-{me['token']}")
    check('it is shown once', secret not in browser.driver.page_source)
    browser.click(f"#revoke-{me['token']}")
    browser.says('can’t be undone', 'dialog')
    browser.accessible('to revoke a token')
    check('a revocation is confirmed by the name', browser.shut())
    browser.confirm(confirm='ci <i>&</i>', reason='lost', ticket='OPS-3')
    browser.says('is revoked', '#toasts')
    registry.call('GET', '/v1/whoami', token=secret, expect=(401,))
    last = registry.call('GET', '/v1/history?action=token_revoked&order=desc&limit=1')['items'][0]
    check('revoked, with a reason and a ticket', (last['reason'], last['ticket']) == ('lost', 'OPS-3'))
    own = registry.call('GET', '/v1/whoami')['token']
    browser.click(f'#revoke-{own}')
    browser.says('You’ll be signed out', 'dialog')
    browser.cancel()


# What a file manager does: the file is dropped onto the page.
DROP = """const files = new DataTransfer();
  files.items.add(new File([arguments[0]], arguments[1], {type: 'text/csv'}));
  for (const each of ['dragover', 'drop']) document.querySelector('main').dispatchEvent(new DragEvent(each, {bubbles: true, cancelable: true, dataTransfer: files}))"""


def drift(registry, browser):
    browser.open('#/drift?location=aws')
    there = [each['fqdn'] for each in registry.call('GET', '/v1/domains?location=aws&limit=1000')['items']]
    browser.run(DROP, 'fqdn,tenant\n' + ''.join(f'{each},t\n' for each in there[1:]) + 'c00001.kintone.com,b\nnobody.kintone.com,c\n=cmd_x,d\n', 'aws.csv')
    browser.says('aws.csv')
    browser.says('read as CSV')
    browser.click('main form button[type=submit]')
    browser.says('4 findings, as of revision')
    browser.accessible('findings')
    for each in ('missing: 1', 'elsewhere: 1', 'unknown: 1', 'no name: 1'):
        browser.says(each)
    browser.click('#drift-elsewhere')
    browser.until(lambda: [each.text.split('\n')[0].split(' ')[0] for each in browser.all('table.endless tbody tr')] == ['c00001.kintone.com'], what='one kind alone')
    browser.click('#drift-download')
    data = browser.downloaded('drift-aws*.csv')
    check('the findings as a file, without a formula', data.startswith(b'\xef\xbb\xbffqdn,finding,registered,location\r\n') and b"'=cmd_x,invalid" in data)
    browser.go('#/agents')
    browser.go('#/drift')
    browser.says('4 findings, as of revision')
    check('who comes back finds them', True)
    browser.open('#/drift?location=aws')
    browser.fill('#drift-pasted', '\n'.join(there))
    browser.says('read as names')
    browser.click('main form button[type=submit]')
    browser.says('Nothing differs.')
    check('a list that is right differs in nothing', True)
    with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
        for _ in range(100_000):
            file.write('c00000.kintone.com\nc00005.kintone.com\n')
        file.flush()
        browser.see('#drift-file').send_keys(file.name)
        browser.says('MB')
        browser.click('main form button[type=submit]')
        browser.says('findings, as of revision', seconds=60)
    browser.says('missing: 38')
    check('a file of 200,000 lines is compared', True)


if __name__ == '__main__':
    play(seed, agents, locations, tokens, drift)
