#!/usr/bin/env python3
"""Makes the README's pictures of the console, docs/images/console-*.png: a move that has been going on for weeks, on the evening of a wave. The
weeks are libfaketime's.

    scripts/try-console readme"""
import os
import pathlib

from ground import Browser, Registry, Stage, check

IMAGES = pathlib.Path(__file__).parents[2] / 'docs/images'
# Octets that a picture has at most.
MOST = 150_000
CUSTOMERS = ['acme', 'globex', 'initech', 'umbrella', 'hooli', 'stark', 'wayne', 'wonka', 'cyberdyne', 'tyrell', 'soylent', 'aperture', 'sakura', 'fuji', 'yamato', 'midori']


class PastRegistry(Registry):
    """A registry that can be started so many days ago."""
    days = 42

    def serve(self):
        library = next(pathlib.Path('/usr/lib').glob('*/faketime/libfaketime.so.1'))
        os.environ.update(LD_PRELOAD=str(library), FAKETIME=f'-{self.days}d', FAKETIME_DONT_FAKE_MONOTONIC='1')
        try:
            super().serve()
        finally:
            for each in ('LD_PRELOAD', 'FAKETIME', 'FAKETIME_DONT_FAKE_MONOTONIC'):
                del os.environ[each]

    def at(self, days):
        self.kill()
        self.days = days
        self.serve()

    def step(self, plan, wave, name, **more):
        body = {'plan_digest': plan['plan_digest'], 'expected_count': plan['waves'][wave - 1]['size'], 'ticket': 'OPS-1204', **more}
        self.call('POST', f"/v1/migrations/{plan['id']}/waves/{wave}/{name}", body)


def months(registry):
    """- Returns: the migration of which a wave is frozen tonight."""
    registry.call('PUT', '/v1/locations/aws', {'upstream': 'https://aws.example.com', 'accepts_signups': True, 'default_for_signups': True})
    registry.call('PUT', '/v1/locations/japan', {'upstream': 'https://jp.example.com', 'accepts_signups': False, 'default_for_signups': False})
    names = [f'{CUSTOMERS[i % 16]}{f"-{i // 16}" if i >= 16 else ""}.kintone.com' for i in range(2400)]
    registry.register([{'fqdn': each, 'tenant': each.split('.')[0], 'location': 'japan'} for each in names])
    plan = None
    for days, first, count in ((35, 0, 60), (28, 60, 240), (14, 300, 600)):
        registry.at(days)
        registry.register([{'fqdn': f'new-{days}-{i}.kintone.com', 'tenant': f'new-{days}-{i}', 'location': 'aws'} for i in range(40)])
        plan = registry.call('POST', '/v1/migrations', {'name': f'2020-q{1 if days > 20 else 2} {days} days ago', 'from': 'japan', 'to': 'aws', 'freeze': 'none',
                                                        'select': {'fqdns': names[first:first + count]}, 'waves': [{'rest': True}]})
        registry.step(plan, 1, 'cutover')
        registry.call('POST', f"/v1/migrations/{plan['id']}/finalize", {})
    registry.at(2)
    plan = registry.call('POST', '/v1/migrations', {'name': '2020-q2 to the cloud', 'from': 'japan', 'to': 'aws', 'freeze': 'read_only', 'ticket': 'OPS-1204',
                                                    'reason': 'The data centre’s contract ends in June.', 'select': {'fqdns': names[900:1700]},
                                                    'waves': [{'count': 10}, {'count': 100}, {'rest': True}]})
    registry.step(plan, 1, 'freeze', deadline_seconds=1800)
    registry.step(plan, 1, 'cutover', reason='the first ten, to see')
    registry.at(0)
    registry.call('GET', '/v1/history/verify')
    return plan


def main():
    with Stage() as stage:
        registry = stage.put(PastRegistry('--drain-seconds', '0', '--agent-lease', '3600'))
        plan = months(registry)
        token = registry.make_token('mika', 'operator')
        for place in ('tokyo-1', 'tokyo-2', 'osaka-1', 'virginia-1'):
            head = registry.call('GET', '/v1/history/head')
            registry.call('PUT', f'/v1/agents/edge-{place}', {'epoch': head['epoch'], 'revision': head['revision'], 'fences': True})
        registry.step(plan, 2, 'announce', reason='tonight at ten')
        registry.step(plan, 2, 'freeze', deadline_seconds=1800, reason='copying')
        for place in ('tokyo-1', 'tokyo-2', 'osaka-1'):
            head = registry.call('GET', '/v1/history/head')
            registry.call('PUT', f'/v1/agents/edge-{place}', {'epoch': head['epoch'], 'revision': head['revision'], 'fences': True})
        browser = stage.put(Browser(registry.console, token))
        IMAGES.mkdir(exist_ok=True)
        for name, where, whole in (('overview', '#/', 'svg path.mark'), ('migration', f"#/migrations/{plan['id']}", '.wave .agents')):
            browser.size(1180, 960)
            browser.open(where)
            browser.see(whole)
            browser.until(lambda: not browser.all('main .loading'))
            picture = IMAGES / f'console-{name}.png'
            browser.shot(picture, full=False)
            check(f'{picture.name} has {picture.stat().st_size:,} octets', picture.stat().st_size <= MOST)


if __name__ == '__main__':
    main()
