// Where customers can live: where each location is reached, what the DNS leads to, and where new customers go.
import {Problem, all, get, newKey, path, read, write} from '../api.js';
import {fill, h} from '../dom.js';
import {add, t} from '../i18n.js';
import {watch} from '../live.js';
import {liveTable} from '../livetable.js';
import {ask, button, checkbox, count, errorNotice, facts, field, input, link, loading, location, noteFields, notice, section, select, toast} from '../ui.js';
import texts from '../texts/locations.js';

add(texts);

// A change that reaches more domains than this is made by who has typed the location's name.
const MANY = 100;

export default async function locations({signal, may}) {
  const [signups, failed] = [h('div', loading()), h('div')];
  const live = liveTable(t('page.locations'), columns(may, {switchTo, change, remove}), {key: (item) => item.name, empty: t('none')});
  let shown = [];

  const look = watch(signal, async () => {
    const [items, statistics] = await Promise.all([list(signal), get('/v1/stats', {}, signal)]);
    shown = items.map((item) => ({...item, domains: statistics.locations.find((each) => each.location === item.name)?.domains ?? 0}));
    fill(failed);
    fill(signups, signupsOf(shown));
    await live.show(shown);
  }, {failed: (error) => fill(failed, errorNotice(error, look))});

  // What it is now, and its tag, unless somebody has changed it since it was shown: a write sets the whole location, and is refused where
  // somebody changes it after this look.
  async function asShown(item) {
    const now = await read(path`/v1/locations/${item.name}`, {}, signal).catch((error) => { if (error.status !== 404) throw error; });
    if (now?.body.revision === item.revision) return now;
    throw meanwhile(item);
  }

  function meanwhile(item) {
    look();
    return new Problem(412, {code: 'revision-mismatch', detail: t('locations.meanwhile', {name: item.name})});
  }

  // Sends a write with the tag of what was shown.
  const guarded = (item, send) => sending(() => asShown(item), (now) => send(now.body, {'If-Match': now.tag}).catch((error) => {
    throw error.status === 412 ? meanwhile(item) : error;
  }));

  // The request that creates a location changes one that is there.
  async function isFree(name) {
    if ((await list(signal)).some((each) => each.name === name)) throw new Problem(409, {title: t('locations.taken', {name})});
    return true;
  }

  async function switchTo(item) {
    const before = shown.find((each) => each.default_for_signups);
    const note = noteFields();
    const key = newKey();
    const done = await ask({
      title: t('locations.switch'), button: t('locations.switch'), controls: note.elements,
      describe: [
        facts([[t('locations.switch.now'), location(before?.name)], [t('locations.switch.then'), location(item.name)]]),
        h('p', t('locations.switch.words', {to: item.name})), !item.accepts_signups && notice('warn', t('locations.switch.opens', {to: item.name})),
        before?.accepts_signups && h('p', t('locations.switch.open', {from: before.name})),
      ],
      act: guarded(item, (now, headers) => put(item.name, {...settingsOf(now), accepts_signups: true, default_for_signups: true, ...note.values()}, key, headers)),
    });
    finish(done, t('locations.switched', {name: item.name}));
  }

  async function change(item) {
    const form = locationForm(item, shown);
    const note = noteFields();
    // Who looks again at what they have typed finds it as it was.
    while (await ask({title: t('locations.change.title', {name: item.name}), button: t('locations.review'), controls: form.elements, act: () => form.check()})) {
      const after = form.values();
      const key = newKey();
      const reaches = (item.upstream !== after.upstream || text(item.dns) !== text(after.dns)) && item.domains > MANY;
      const done = await ask({
        title: t('locations.change.title', {name: item.name}), button: t('locations.change'), controls: note.elements,
        describe: differences(item, after, shown), confirm: reaches ? item.name : undefined,
        act: guarded(item, (now, headers) => put(item.name, {...settingsOf(now), ...after, ...note.values()}, key, headers)),
      });
      if (done) return finish(done, t('locations.changed', {name: item.name}));
    }
  }

  async function create() {
    const form = locationForm(null, shown);
    const note = noteFields();
    while (await ask({title: t('locations.create'), button: t('locations.review'), controls: form.elements, act: () => form.check()})) {
      const after = form.values();
      const name = form.name();
      const key = newKey();
      const done = await ask({
        title: t('locations.create'), button: t('locations.create.go'), controls: note.elements,
        describe: [facts([[t('name'), h('span.mono', name)]]), differences(null, after, shown)],
        act: sending(() => isFree(name), () => put(name, {...after, ...note.values()}, key)),
      });
      if (done) return finish(done, t('locations.created', {name}));
    }
  }

  async function remove(item) {
    const note = noteFields();
    const key = newKey();
    const done = await ask({
      title: t('locations.delete.title'), button: t('locations.delete'), tone: 'bad', confirm: item.name, controls: note.elements,
      describe: [h('p', t('locations.delete.words')), facts([[t('name'), h('span.mono', item.name)], [t('locations.upstream'), h('span.mono', item.upstream)],
        [t('locations.dns'), dnsOf(item.dns)]])],
      act: guarded(item, (_, headers) => write('DELETE', path`/v1/locations/${item.name}`, undefined, {query: note.values(), key, headers})),
    });
    finish(done, t('locations.deleted', {name: item.name}));
  }

  function finish(done, words) {
    if (!done) return;
    toast(words);
    look();
  }

  return [
    h('div.heading', h('h1', t('page.locations')), may('putLocation') && button(t('locations.create'), create, {id: 'locations-create'})),
    failed, section(t('locations.signups'), signups), section(t('locations.all'), live.element),
  ];
}

// MARK: The registry

function list(signal) {
  return all('/v1/locations', {limit: 1000}, signal);
}

function put(name, settings, key, headers) {
  return write('PUT', path`/v1/locations/${name}`, settings, {key, headers});
}

// Looks first and sends then. Where an answer was lost the same is sent again, unlooked at, for it may have been done; what was refused
// is looked at anew.
function sending(look, send) {
  let found;
  return async () => {
    found ??= await look();
    try {
      return await send(found);
    } catch (error) {
      if (error instanceof Problem && error.status < 500) found = undefined;
      throw error;
    }
  };
}

// All that a write sets, also what this page knows nothing of: what isn't sent would be lost.
function settingsOf({name, revision, domains, ...settings}) {
  return settings;
}

// MARK: What is shown

function signupsOf(items) {
  const target = items.find((item) => item.default_for_signups);
  const open = items.filter((item) => item.accepts_signups && item !== target);
  if (!target) return notice('bad', t('locations.signups.none'));
  return [
    h('p.big', t('locations.signups.to', {name: target.name})),
    !target.accepts_signups && notice('bad', t('locations.signups.closed', {name: target.name})),
    h('p.small.muted', t('locations.signups.words')),
    open.length > 0 && h('p.small', t('locations.signups.named', {names: open.map((item) => item.name).join(', ')})),
  ];
}

function columns(may, {switchTo, change, remove}) {
  const act = (item, name, press) => button(t(`locations.${name}`), () => press(item),
    {kind: 'small', id: `${name}-${item.name}`, 'aria-label': `${t(`locations.${name}`)}: ${item.name}`});
  return [
    {title: t('name'), cell: (item) => h('strong.mono', item.name)},
    {title: t('locations.upstream'), kind: 'wide', cell: (item) => h('span.mono', item.upstream)},
    {title: t('locations.newcomers'), cell: (item) => h('div.row',
      item.default_for_signups && h('span.tag.good', t('locations.default')),
      item.accepts_signups ? h('span.tag', t('locations.accepts')) : h(`span.tag.${item.default_for_signups ? 'bad' : 'muted'}`, t('locations.closed')))},
    {title: t('locations.dns'), cell: (item) => dnsOf(item.dns)},
    {title: t('domains'), kind: 'number', cell: (item) => (may('listDomains') ? link(`#/domains?location=${encodeURIComponent(item.name)}`, count(item.domains)) : count(item.domains))},
    may('putLocation') && {title: t('locations.action'), cell: (item) => h('div.row',
      !item.default_for_signups && act(item, 'switch', switchTo), act(item, 'change', change),
      may('deleteLocation') && !item.default_for_signups && item.domains === 0 && act(item, 'delete', remove))},
  ].filter((column) => column);
}

function dnsOf(dns) {
  const lines = dnsLines(dns);
  return lines.length === 0 ? h('span.muted', '–') : h('div', lines.map(([kind, value]) => h('div', h('span.muted.small', kind), ' ', h('span.mono', value))));
}

// [[kind, value]]; what this page doesn't know is shown as it came.
function dnsLines(dns) {
  const kind = kindOf(dns);
  if (kind === 'none') return [];
  if (kind === 'addresses') return [...(dns.a ?? []).map((each) => ['A', each]), ...(dns.aaaa ?? []).map((each) => ['AAAA', each])];
  if (kind === 'cname') return [['CNAME', dns.cname]];
  if (kind === 'alias') return [['ALIAS', `${dns.alias.name} (${dns.alias.hosted_zone_id})`]];
  return [['?', JSON.stringify(dns)]];
}

function kindOf(dns) {
  if (!dns) return 'none';
  if (dns.a || dns.aaaa) return 'addresses';
  return ['cname', 'alias'].find((each) => dns[each]) ?? 'other';
}

function text(dns) {
  return dnsLines(dns).map((line) => line.join(' ')).join(', ');
}

// What a change will do, said before it's done. before: null where the location is new.
function differences(before, after, all) {
  const now = all.find((each) => each.default_for_signups);
  const yes = (value) => t(value ? 'locations.yes' : 'locations.no');
  const rows = [
    [t('locations.upstream'), before?.upstream ?? '', after.upstream], [t('locations.accepts.field'), before ? yes(before.accepts_signups) : '', yes(after.accepts_signups)],
    [t('locations.default.field'), before ? yes(before.default_for_signups) : '', yes(after.default_for_signups)], [t('locations.dns'), text(before?.dns), text(after.dns)],
  ].filter(([, old, fresh]) => old !== fresh);
  const isDefault = after.default_for_signups;
  return [
    h('ul.list.changes', rows.map(([term, old, fresh]) => h('li', h('strong', term), h('div', before && [h('del.mono', old || '–'), ' → '], h('ins.mono', fresh || '–'))))),
    before && before.upstream !== after.upstream && notice('warn', t('locations.diff.upstream', {n: before.domains})),
    before && text(before.dns) !== text(after.dns) && notice('warn', t('locations.diff.dns')),
    isDefault && now && now.name !== before?.name && notice('warn', t('locations.diff.default', {from: now.name})),
    isDefault && !after.accepts_signups && notice('bad', t('locations.diff.closed')),
  ];
}

// MARK: The form

const KINDS = ['none', 'addresses', 'cname', 'alias'];

function locationForm(item, all) {
  const name = input({name: 'name', required: true, maxlength: 63, pattern: '[a-z0-9]([a-z0-9\\-]{0,61}[a-z0-9])?', autofocus: !item});
  const upstream = input({name: 'upstream', required: true, maxlength: 2048, inputmode: 'url', value: item?.upstream ?? ''});
  const accepts = checkbox(t('locations.accepts.field'), {name: 'accepts', checked: item?.accepts_signups ?? false});
  const isDefault = checkbox(t('locations.default.field'), {name: 'default', checked: item?.default_for_signups ?? false, disabled: item?.default_for_signups ?? false});
  const dns = dnsForm(item?.dns);
  const values = () => ({
    upstream: upstream.value.trim(), accepts_signups: accepts.box.checked, default_for_signups: isDefault.box.checked,
    // Said where it's to be taken away; a location that never had any isn't given a null.
    ...((item?.dns || dns.value()) && {dns: dns.value()}),
  });
  function check() {
    if (item && !isChanged(item, values())) throw new Problem(422, {title: t('locations.same')});
    if (!item && all.some((each) => each.name === name.value.trim())) throw new Problem(409, {title: t('locations.taken', {name: name.value.trim()})});
  }
  return {
    elements: [
      !item && field(t('name'), name, t('locations.name.hint')), field(t('locations.upstream'), upstream, t('locations.upstream.hint')),
      accepts.element, isDefault.element, item?.default_for_signups && h('p.hint', t('locations.default.kept')), ...dns.elements,
    ],
    name: () => name.value.trim(), values, check,
  };
}

function isChanged(item, after) {
  return item.upstream !== after.upstream || item.accepts_signups !== after.accepts_signups
    || item.default_for_signups !== after.default_for_signups || text(item.dns) !== text(after.dns);
}

function dnsForm(dns) {
  const given = kindOf(dns);
  const lines = (values) => h('textarea.few', {spellcheck: 'false', value: (values ?? []).join('\n')});
  const [a, aaaa] = [lines(dns?.a), lines(dns?.aaaa)];
  const cname = input({name: 'cname', maxlength: 253, value: dns?.cname ?? ''});
  const [zone, target] = [input({name: 'zone', maxlength: 32, value: dns?.alias?.hosted_zone_id ?? ''}), input({name: 'alias', maxlength: 253, value: dns?.alias?.name ?? ''})];
  const kinds = given === 'other' ? [...KINDS, 'other'] : KINDS;
  const kind = select(kinds.map((each) => [each, t(`locations.dns.${each}`)]), given, {name: 'dns', onchange: show});
  const parts = {
    addresses: h('div.columns', field(t('locations.dns.a'), a, t('locations.dns.lines')), field(t('locations.dns.aaaa'), aaaa, t('locations.dns.lines'))),
    cname: field(t('locations.dns.target'), cname),
    alias: h('div.columns', field(t('locations.dns.target'), target), field(t('locations.dns.zone'), zone)),
  };
  function show() {
    for (const [each, part] of Object.entries(parts)) part.hidden = each !== kind.value;
    cname.required = kind.value === 'cname';
    zone.required = target.required = kind.value === 'alias';
  }
  function value() {
    if (kind.value === 'other') return dns;
    if (kind.value === 'cname') return {cname: cname.value.trim()};
    if (kind.value === 'alias') return {alias: {hosted_zone_id: zone.value.trim(), name: target.value.trim()}};
    if (kind.value === 'none') return null;
    const [four, six] = [a, aaaa].map((each) => each.value.split(/[\s,]+/).filter((part) => part));
    return {...(four.length && {a: four}), ...(six.length && {aaaa: six})};
  }
  show();
  return {elements: [field(t('locations.dns'), kind, t('locations.dns.hint')), ...Object.values(parts)], value};
}
