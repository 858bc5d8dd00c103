// Who changed what, when and why: everything, by filters, as one scrolls; and whether the log is what it was.
import {all, get, lines, path, request} from '../api.js';
import {fill, h} from '../dom.js';
import {ACTIONS, action, actor, differences, when, why} from '../historyitem.js';
import {add, has, number, percent, t} from '../i18n.js';
import {watch} from '../live.js';
import {normal} from '../names.js';
import {debounced, instant, localText, remember, zone} from '../pagestate.js';
import {button, copyButton, endlessTable, errorNotice, facts, field, input, link, name, notice, section, select} from '../ui.js';
import texts from '../texts/history.js';

add(texts);

// What the filters are called in the address, as in the API; `fqdn` is the domain whose own history it is.
const FILTERS = ['fqdn', 'actor', 'action', 'migration', 'location', 'since', 'until', 'after', 'order'];

export default async function history_({query, signal, may}) {
  const [locations, migrations, tokens] = await Promise.all([
    all('/v1/locations', {}, signal), may('listMigrations') ? all('/v1/migrations', {}, signal, 500) : [], may('listTokens') ? all('/v1/tokens', {}, signal, 500) : [],
  ]);
  const any = ['', t('history.any')];
  const given = (filter) => query.get(filter) ?? '';
  const clock = (filter) => input({type: 'datetime-local', step: 1, id: `filter-${filter}`, value: Number.isNaN(Date.parse(given(filter))) ? '' : localText(given(filter))});
  const names = (id, items) => h('datalist', {id}, items.map(([value, text]) => h('option', {value, label: text})));
  const controls = {
    fqdn: input({id: 'filter-fqdn', value: given('fqdn')}),
    action: select([any, ...ACTIONS.map((each) => [each, has(`action.${each}`) ? t(`action.${each}`) : each])], given('action'), {id: 'filter-action'}),
    location: select([any, ...locations.map((each) => [each.name, each.name])], given('location'), {id: 'filter-location'}),
    actor: input({id: 'filter-actor', value: given('actor'), list: 'actors'}),
    migration: input({id: 'filter-migration', value: given('migration'), list: 'migrations'}),
    since: clock('since'), until: clock('until'),
    after: input({id: 'filter-after', type: 'number', min: 0, step: 1, value: given('after')}),
    order: select([['', t('history.newest')], ['asc', t('history.oldest')]], given('order'), {id: 'filter-order'}),
  };
  const listed = h('div');
  const failed = h('div');
  let asked = null;
  let list = null;

  function filters() {
    return Object.fromEntries(FILTERS.map((filter) => {
      const typed = controls[filter].value.trim();
      return [filter, filter === 'since' || filter === 'until' ? instant(typed) : typed];
    }));
  }

  // - Returns: where to ask, and what.
  function selection() {
    const {fqdn, ...rest} = filters();
    return [fqdn ? path`/v1/domains/${normal(fqdn) ?? fqdn}/history` : '/v1/history', rest];
  }

  function search() {
    asked?.abort();
    const run = asked = new AbortController();
    signal.addEventListener('abort', () => run.abort(), {once: true});
    remember('#/history', filters());
    const [where, rest] = selection();
    list = endlessTable(t('page.history'), columns(), async (cursor, limit) => {
      try {
        return await get(where, {...rest, cursor, limit}, run.signal);
      } catch (error) {
        if (error.code === 'unknown-domain') return {items: []};
        throw error;
      }
    }, {signal: run.signal, key: (each) => `${each.revision} ${each.fqdn ?? each.subject} ${each.action}`, empty: t('history.nothing')});
    fill(listed, list.element);
  }

  for (const [filter, control] of Object.entries(controls)) {
    const isTyped = control.tagName === 'INPUT' && control.type !== 'datetime-local';
    control.addEventListener(isTyped ? 'input' : 'change', isTyped ? debounced(search, 300, signal) : search);
  }

  const form = h('form.card', {role: 'search', onsubmit: (event) => { event.preventDefault(); search(); }},
    h('div.filters',
      field(t('name'), controls.fqdn), field(t('what'), controls.action), field(t('location'), controls.location),
      field(t('history.actor'), controls.actor), field(t('history.migration'), controls.migration),
      field(t('history.since', {zone: zone()}), controls.since), field(t('history.until', {zone: zone()}), controls.until),
      field(t('history.after'), controls.after), field(t('history.order'), controls.order)),
    names('actors', tokens.map((each) => [each.id, each.name])), names('migrations', migrations.map((each) => [each.id, each.name])),
    h('div.actions', button(t('history.clear'), () => {
      for (const each of Object.values(controls)) each.value = '';
      search();
    }, {id: 'clear'}), csv(selection, signal, failed)), failed);

  search();
  watch(signal, () => list.refresh(), {seconds: 30});
  return [h('h1', t('page.history')), may('getHistoryHead') && chain(signal, may), form, h('section.card', {'aria-label': t('page.history')}, listed)];
}

function columns() {
  return [
    {title: t('when'), cell: (each) => h('div', when(each.at), h('div.small.muted', link(each.fqdn ? `#/domains/${encodeURIComponent(each.fqdn)}?revision=${each.revision}`
      : `#/history?after=${each.revision - 1}&order=asc`, t('history.revision', {revision: each.revision}))))},
    {title: t('what'), cell: action},
    {title: t('history.subject'), kind: 'wide', cell: (each) => (each.fqdn ? name(each.fqdn) : subject(each))},
    {title: t('history.change'), kind: 'wide', cell: (each) => h('div', differences(each.before, each.after))},
    {title: t('who'), cell: (each) => h('div', actor(each), h('div.small', link(`#/history?actor=${encodeURIComponent(each.actor.token)}`, each.actor.token)))},
    {title: t('why'), cell: (each) => h('div', why(each))},
  ];
}

function subject(item) {
  if (item.action.startsWith('migration_') || item.action === 'wave_approved') return link(`#/migrations/${encodeURIComponent(item.subject)}`, item.subject);
  return h('code', item.subject);
}

// MARK: For a spreadsheet

// The whole selection as a file. It's fetched, for a link couldn't carry the token.
function csv(selection, signal, failed) {
  let run = null;
  const said = h('span.muted', {role: 'status'});
  const go = button(t('history.csv'), async () => {
    if (run) { run.abort(); return; }
    run = new AbortController();
    signal.addEventListener('abort', () => run?.abort(), {once: true});
    go.textContent = t('history.csv.stop');
    fill(failed);
    try {
      const [where, rest] = selection();
      const response = await request('GET', where, {query: {...rest, for: 'spreadsheet'}, headers: {Accept: 'text/csv'}, signal: run.signal});
      const chunks = [];
      let bytes = 0;
      const reader = response.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) break;
        chunks.push(value);
        bytes += value.length;
        said.textContent = t('history.csv.bytes', {n: Math.ceil(bytes / 1024)});
      }
      save(new Blob(chunks, {type: 'text/csv'}), `history-${response.headers.get('X-Registry-Revision') ?? 'all'}.csv`);
    } catch (error) {
      if (error.name !== 'AbortError') fill(failed, errorNotice(error));
      said.textContent = '';
    }
    run = null;
    go.textContent = t('history.csv');
  }, {id: 'csv'});
  return [said, go];
}

function save(blob, file) {
  const url = URL.createObjectURL(blob);
  h('a', {href: url, download: file}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// MARK: The chain

function chain(signal, may) {
  const head = h('div');
  const result = h('div', {'aria-live': 'polite'});
  const expect = input({id: 'expect', pattern: '[0-9]+:(sha256:)?[0-9A-Fa-f]{64}'});
  let shown = '';
  watch(signal, async () => {
    const now = await get('/v1/history/head', {}, signal);
    const note = `${now.revision}:${now.digest}`;
    if (`${now.epoch}${note}` === shown) return;
    shown = `${now.epoch}${note}`;
    fill(head, facts([[t('history.head'), number(now.revision)], [t('history.epoch'), h('code', now.epoch)],
      [t('history.digest'), h('span', h('code', now.digest), ' ', copyButton(note))]]));
  }, {failed: (error) => { if (!shown) fill(head, errorNotice(error)); }});

  const bar = h('progress', {max: 1, 'aria-label': t('history.verifying')});
  const line = h('p.small.muted');
  const go = h('button', {type: 'submit', id: 'verify'}, t('history.verify'));
  let run = null;
  async function verify(event) {
    event.preventDefault();
    if (run) { run.abort(); return; }
    run = new AbortController();
    signal.addEventListener('abort', () => run?.abort(), {once: true});
    go.textContent = t('history.verify.stop');
    bar.removeAttribute('value');
    line.textContent = '';
    fill(result, h('div', h('p', t('history.verifying')), bar, line));
    try {
      const response = await request('GET', '/v1/history/verify', {query: {expect: expect.value.trim()}, headers: {Accept: 'application/x-ndjson'}, signal: run.signal});
      let verdict = null;
      for await (const each of lines(response)) {
        if (each.progress) progress(each.progress);
        else verdict = each;
      }
      fill(result, verdict ? words(verdict) : notice('bad', t('history.brokenoff')));
    } catch (error) {
      fill(result, error.name === 'AbortError' ? h('p.muted', t('history.stopped')) : errorNotice(error));
    }
    run = null;
    go.textContent = t('history.verify');
  }
  function progress({revisions, of, changes, domains}) {
    bar.value = of ? revisions / of : 0;
    line.textContent = t('history.progress', {percent: percent(of ? revisions / of : 0), revisions, of, changes, domains});
  }
  function words(verdict) {
    const foreign = verdict.foreign?.length > 0 && notice('warn', t('history.foreign'), ' ', h('span.mono', verdict.foreign.join(', ')));
    if (verdict.ok) return [notice('good', h('p', h('strong', t('history.good', {revision: verdict.revision}))), h('p.small.mono', verdict.digest)), foreign];
    return [notice('bad', h('p', h('strong', t(verdict.first_bad_revision === undefined ? 'history.bad' : 'history.bad.at', {revision: verdict.first_bad_revision}))), h('p', verdict.what)), foreign];
  }
  return section(t('history.chain'), head, may('verifyHistory') && h('form', {onsubmit: verify},
    h('details', h('summary', t('history.expect')), field(t('history.expect.note'), expect, t('history.expect.hint'))),
    h('div.row.do', go)), result);
}
