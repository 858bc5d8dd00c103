// What a manager, and whoever is on call, looks at first: what is wrong, where everybody lives, and what happens.
import {Problem, all, get, request} from '../api.js';
import {TONES, chart} from '../chart.js';
import {fill, h} from '../dom.js';
import {add, clock, number, percent, t} from '../i18n.js';
import {feed, watch} from '../live.js';
import {bar, errorNotice, link, loading, location, mode, name, section, state, time} from '../ui.js';
import texts from '../texts/overview.js';

add(texts);

const STEPS = ['hour', 'day', 'week'];
const LAST = 10;
// Agents that are named, and migrations that are looked at, newest first.
const [NAMED, MIGRATIONS] = [12, 200];
// A freeze that has less than this part of its time left is named.
const SOON = 15 * 60;

export default async function overview({signal, may}) {
  const places = Object.fromEntries(['failed', 'attention', 'where', 'overtime', 'open', 'agents', 'last'].map((id) => [id, h('div', id !== 'failed' && loading())]));
  let step = 'day';
  let waves = [];
  let verification = null;

  const look = watch(signal, async () => {
    const [ready, statistics, locations, migrations, agents] = await Promise.all([
      readiness(signal), get('/v1/stats', {}, signal), all('/v1/locations', {limit: 1000}, signal),
      may('listMigrations') ? all('/v1/migrations', {limit: MIGRATIONS}, signal, MIGRATIONS) : [],
      may('listAgents') ? all('/v1/agents', {limit: 1000}, signal) : null,
    ]);
    const open = migrations.filter((each) => each.state === 'planned' || each.state === 'running');
    waves = migrations.flatMap((each) => each.waves.filter((wave) => wave.revision && (wave.state === 'moved' || wave.state === 'finalized'))
      .map((wave) => ({revision: wave.revision, title: `${each.name} ${wave.number}`})));
    fill(places.failed);
    fill(places.attention, attention(ready, verification, open, agents, locations, may));
    fill(places.where, whereabouts(statistics));
    if (may('listMigrations')) fill(places.open, openMigrations(open));
    if (agents) fill(places.agents, agentsSummary(agents));
  }, {failed: (error) => fill(places.failed, errorNotice(error))});

  if (may('verifyHistory')) watch(signal, async () => { verification = await verified(signal); look(); }, {seconds: 60});

  let drawn = '';
  async function draw() {
    const {items} = await get('/v1/stats/history', {step}, signal);
    // What is looked at, a table that is open for instance, isn't drawn again for nothing.
    const seen = JSON.stringify([step, items.map(({revision, locations}) => [revision, locations]), waves]);
    if (seen === drawn) return;
    drawn = seen;
    const isOpen = places.overtime.querySelector('details')?.open ?? false;
    const marks = waves.flatMap((wave) => {
      const item = items.find((each) => each.revision >= wave.revision);
      return item ? [{at: item.at, title: wave.title}] : [];
    });
    fill(places.overtime,
      h('div.row', {role: 'group', 'aria-label': t('overview.overtime')}, STEPS.map((each) => h('button.small',
        {type: 'button', id: `step-${each}`, 'aria-pressed': String(each === step), onclick: () => { step = each; draw().catch(failedToDraw); }}, t(`overview.step.${each}`)))),
      items.length < 2 ? h('p.empty', t('overview.nodata')) : chart(items, marks),
      marks.length > 0 && h('p.small.muted', t('overview.waves')));
    const details = places.overtime.querySelector('details');
    if (details) details.open = isOpen;
  }
  // What was drawn stays: a registry that is away has said so above.
  const failedToDraw = (error) => { if (!drawn) fill(places.overtime, errorNotice(error)); };
  watch(signal, draw, {seconds: 60, failed: failedToDraw});

  showLast(places.last, signal, may);

  return [
    h('h1', t('page.overview')), places.failed, section(t('overview.attention'), places.attention),
    h('div.columns', section(t('overview.where'), places.where), may('listAgents') && section(t('overview.agents'), places.agents)),
    section(t('overview.overtime'), places.overtime),
    h('div.columns', may('listMigrations') && section(t('overview.open'), places.open), section(t('overview.last'), places.last)),
  ];
}

// The last changes: with who made them where the role may know, else as the feed has them.
function showLast(place, signal, may) {
  const show = (changes) => fill(place, changes.length === 0 ? h('p.empty', t('none')) : h('ul.list', changes.map((change) => h('li', changeLine(change)))));
  if (may('listHistory')) {
    watch(signal, async () => {
      const {items} = await get('/v1/history', {order: 'desc', limit: LAST * 3}, signal);
      show(items.filter((each) => each.fqdn).slice(0, LAST));
    }, {seconds: 60, failed: (error) => { if (place.querySelector('.loading')) fill(place, errorNotice(error)); }});
    return;
  }
  const last = [];
  feed.addEventListener('change', ({detail}) => {
    last.unshift({...detail, seen: new Date().toISOString()});
    last.length = Math.min(last.length, LAST);
  }, {signal});
  // A wave has a hundred thousand changes: they are drawn once.
  feed.addEventListener('moved', () => show(last), {signal});
  show(last);
}

async function readiness(signal) {
  try {
    return await get('/readyz', {verbose: 1}, signal, {isProbe: true});
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return {status: 'not-ready'};
    throw error;
  }
}

// What the last check of the whole log has found: {at: seconds, isFine}; null where this node doesn't tell.
async function verified(signal) {
  try {
    const text = await (await request('GET', '/metrics', {headers: {Accept: '*/*'}, signal, isProbe: true})).text();
    const value = (key) => Number(text.match(new RegExp(`^registry_verification_${key} (\\S+)$`, 'm'))?.[1] ?? NaN);
    const [at, isFine] = [value('timestamp_seconds'), value('ok') === 1];
    return Number.isNaN(at) ? null : {at, isFine};
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

// Not an alert: who listens would hear all of it again with every look.
function alarm(tone, ...children) {
  return h(`div.notice.${tone}`, children);
}

function attention(ready, verification, open, agents, locations, may) {
  const alarms = [];
  if (ready.status !== 'ready') alarms.push(alarm('bad', t('alarm.unready')));
  if (verification?.at && !verification.isFine) alarms.push(alarm('bad', link('#/history', t('alarm.unverified'))));
  if (ready.log_ahead_seconds > 0) alarms.push(alarm('bad', t('alarm.clock', {n: ready.log_ahead_seconds})));
  if (ready.agents_ahead > 0) alarms.push(alarm('bad', may('listAgents') ? link('#/agents', t('alarm.ahead', {n: ready.agents_ahead})) : t('alarm.ahead', {n: ready.agents_ahead})));
  if (ready.store_silence_ms > 2000) alarms.push(alarm('bad', t('alarm.silence', {n: Math.round(ready.store_silence_ms / 1000)})));
  for (const migration of open) {
    for (const wave of migration.waves.filter((each) => each.state === 'frozen' && each.deadline)) {
      const left = (new Date(wave.deadline) - Date.now()) / 1000;
      const words = {name: migration.name, wave: wave.number, left: clock(left)};
      alarms.push(alarm(left < SOON ? 'bad' : 'warn', link(`#/migrations/${migration.id}`, t(left > 0 ? 'alarm.frozen' : 'alarm.overdue', words))));
    }
  }
  const lagging = agents?.filter((each) => each.lagging).map((each) => each.name) ?? [];
  if (lagging.length) alarms.push(alarm('warn', link('#/agents', t('alarm.lagging', {names: someOf(lagging)}))));
  if (locations.length && !locations.some((each) => each.default_for_signups && each.accepts_signups)) alarms.push(alarm('warn', link('#/locations', t('alarm.signups'))));
  if (verification?.at === 0) alarms.push(alarm('warn', link('#/history', t('alarm.never-verified'))));
  return alarms.length ? alarms : h('p', t('overview.fine'));
}

function someOf(names) {
  return names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} ${t('agents.more', {n: names.length - NAMED})}`;
}

function whereabouts(statistics) {
  const parts = statistics.locations.map((each, index) => ({name: each.location, value: each.domains, tone: TONES[index % TONES.length]}));
  return [
    h('p.big', t('overview.total', {n: statistics.total})), bar(t('overview.where'), parts),
    h('ul.list', statistics.locations.map((each, index) => h('li.row', h(`span.swatch.${TONES[index % TONES.length]}`), location(each.location),
      h('strong.number', number(each.domains)), h('span.muted', percent(each.domains / (statistics.total || 1))),
      each.frozen > 0 && h('span.tag.warn', t('overview.frozen', {n: each.frozen})),
      each.suspended > 0 && h('span.tag.bad', t('overview.suspended', {n: each.suspended}))))),
    statistics.split_tenants > 0 && h('p.small.muted', t('overview.split', {n: statistics.split_tenants})),
  ];
}

function openMigrations(open) {
  if (open.length === 0) return h('p.empty', t('overview.noopen'));
  return h('ul.list', open.map((migration) => {
    const size = migration.waves.reduce((sum, wave) => sum + wave.size, 0);
    const of = (...states) => migration.waves.filter((wave) => states.includes(wave.state)).reduce((sum, wave) => sum + wave.size, 0);
    const moved = of('moved', 'finalized');
    return h('li', h('div.row', link(`#/migrations/${migration.id}`, migration.name), state(migration.state),
      h('span.muted', `${migration.from} → ${migration.to}`)),
    bar(migration.name, [
      {name: t('state.moved'), value: moved, tone: 'good'}, {name: t('state.frozen'), value: of('frozen'), tone: 'warn'},
      {name: t('state.planned'), value: size - moved - of('frozen'), tone: 'muted'}]),
    h('p.small.muted', t('overview.progress', {moved, size})));
  }));
}

function agentsSummary(agents) {
  // One that was evicted and has come back counts.
  if (agents.length === 0) return h('p.empty', t('overview.agents.none'));
  const behind = agents.filter((each) => each.lagging || each.lag > 0).sort((one, other) => other.lagging - one.lagging);
  if (behind.length === 0) return h('p', t('overview.agents.all', {n: agents.length}));
  return h('ul.list', behind.slice(0, NAMED).map((each) => h('li.row', h('strong', each.name), each.lagging ? h('span.tag.bad', t('agents.lagging')) : h('span.tag.warn', t('agents.behind', {n: each.lag})),
    time(each.last_seen))),
  behind.length > NAMED && h('li', link('#/agents', t('agents.more', {n: behind.length - NAMED}))));
}

function changeLine(change) {
  if (change.location_changed) return h('div.row', location(change.location_changed.name ?? ''), h('span.muted', t('action.updated')));
  const after = change.after ?? change;
  return h('div.row', name(change.fqdn), change.gone || change.after === null ? h('span.tag', t('action.released')) : [location(after.location), mode(after.mode)],
    change.action && h('span.muted', t(`action.${change.action}`)), change.actor && h('span.muted', change.actor.name), time(change.at ?? change.changed_at ?? change.seen));
}
