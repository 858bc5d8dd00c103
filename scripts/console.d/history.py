#!/usr/bin/env python3
"""History by clicks: each filter, in the address too; as one scrolls, and as it happens; a file for a spreadsheet; and the chain, verified now."""
from ground import check, play

ROWS = 'table.endless tbody tr'


def seed(registry, _):
    registry.register([{'fqdn': f'c{i:05}.kintone.com', 'location': 'japan' if i % 3 else 'aws'} for i in range(600)])
    for name, body in [('c00001', {'location': 'aws', 'reason': 'closer', 'ticket': 'OPS-1'}), ('c00002', {'mode': 'read_only', 'reason': '=1+1'}), ('c00002', {'mode': 'serve'})]:
        registry.call('PATCH', f'/v1/domains/{name}.kintone.com', body)
    registry.call('DELETE', '/v1/domains/c00004.kintone.com?reason=contract%20ended')
    registry.plan = registry.call('POST', '/v1/migrations', {'name': 'tonight', 'from': 'japan', 'to': 'aws', 'select': {'fqdns': ['c00005.kintone.com']}, 'freeze': 'none'})


def filters(registry, browser):
    me = registry.call('GET', '/v1/whoami')['token']
    rows = lambda: [each.text.replace('\n', ' ') for each in browser.all(ROWS)]

    def only(what, fits, count=None):
        browser.until(lambda: rows() and all(fits(each) for each in rows()) and count in (None, len(rows())), what=what)
        check(f'only {what}', True)

    browser.open('#/history')
    browser.choose('#filter-action', 'released')
    only('one action', lambda each: 'contract ended' in each and 'c00004' in each, 1)
    check('the address has the filter', 'action=released' in browser.driver.current_url)
    browser.driver.refresh()
    only('one action, after a reload', lambda each: 'contract ended' in each, 1)
    browser.choose('#filter-action', '')
    browser.fill('#filter-fqdn', 'https://C00001.kintone.com/k/')
    only('one domain', lambda each: 'c00001.kintone.com' in each, 2)
    browser.says('closer')
    browser.says('OPS-1')
    browser.fill('#filter-fqdn', 'never.kintone.com')
    browser.says('Nothing of this kind')
    browser.click('#clear')
    browser.scroll_to_rows(100)
    browser.choose('#filter-location', 'aws')
    only('one location', lambda each: 'aws' in each)
    browser.choose('#filter-location', '')
    browser.fill('#filter-actor', 'system')
    only('one actor', lambda each: 'system' in each)
    browser.fill('#filter-actor', me)
    only('another actor', lambda each: me in each)
    browser.fill('#filter-actor', '')
    browser.fill('#filter-migration', registry.plan['id'])
    only('one migration', lambda each: 'migration planned' in each, 1)
    browser.fill('#filter-migration', '')
    browser.fill('#filter-after', '5')
    browser.choose('#filter-order', 'asc')
    browser.until(lambda: rows() and 'revision 6' in rows()[0], what='after a revision, the oldest first')
    browser.put('#filter-until', '2001-01-01T00:00:00')
    browser.says('Nothing of this kind')
    browser.click('#clear')
    browser.put('#filter-since', '2101-01-01T00:00:00')
    browser.says('Nothing of this kind')
    browser.click('#clear')
    browser.scroll_to_rows(100)
    check('cleared, all are there', browser.driver.current_url.endswith('#/history'))
    # A name that never was has no history, which Chromium notes itself.
    return '/never.kintone.com/history',


def flowing(registry, browser):
    browser.open('#/history')
    browser.scroll_to_rows(400)
    check('it goes on as one scrolls', True)
    browser.run('scrollTo(0, 0)')
    registry.call('PATCH', '/v1/domains/c00007.kintone.com', {'mode': 'read_only', 'reason': 'just now'})
    browser.until(lambda: 'just now' in browser.all(ROWS)[0].text, what='the newest by itself')
    check('what happens now is shown by itself, first', True)


def spreadsheet(_, browser):
    browser.open('#/history')
    browser.choose('#filter-action', 'updated')
    browser.until(lambda: 'registered' not in browser.text(ROWS.split(' ')[0] + ' tbody'), what='only changes')
    browser.click('#csv')
    data = browser.downloaded('history-*.csv')
    lines = data.decode('utf-8-sig').splitlines()
    check('a spreadsheet’s file has the selection, and no formula', data.startswith(b'\xef\xbb\xbfrevision,') and b"'=1+1" in data and len(lines) == 4
          and all(',updated,' in each for each in lines[1:]))


def chain(registry, browser):
    browser.open('#/history')
    head = registry.call('GET', '/v1/history/head')
    browser.says(head['digest'])
    browser.says(head['epoch'])
    browser.click('#verify')
    browser.says(f"Everything fits, up to revision {head['revision']}.")
    check('verified now', True)
    browser.click('summary')
    browser.fill('#expect', f"{head['revision']}:{head['digest']}")
    browser.click('#verify')
    browser.says('Everything fits')
    browser.fill('#expect', f"3:sha256:{'0' * 64}")
    browser.click('#verify')
    browser.says('doesn’t fit, first at revision 3')
    check('a digest that was noted and isn’t the log’s is found', True)


if __name__ == '__main__':
    play(seed, filters, flowing, spreadsheet, chain)
