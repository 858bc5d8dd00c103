// The copies of the table beside the proxies: who has everything, who lags, who would fence itself, and whose proxy is gone.
import {all, get, newKey, path, write} from '../api.js';
import {fill, h} from '../dom.js';
import {add, number, t} from '../i18n.js';
import {feed, watch} from '../live.js';
import {liveTable} from '../livetable.js';
import {ask, bar, button, checkbox, count, errorNotice, facts, link, loading, moment, noteFields, notice, section, state, time, toast} from '../ui.js';
import texts from '../texts/agents.js';

add(texts);

const PAGE = 1000;
// Migrations that are looked at for announced waves, newest first, and waves whose fences are asked for at most.
const [MIGRATIONS, WAVES] = [200, 12];
// Names of agents that the summary has.
const NAMED = 20;

export default async function agents({query, signal, may}) {
  const [summary, waves, failed] = [h('div', loading()), h('div'), h('div')];
  const live = liveTable(t('page.agents'), columnsOf(evict, may), {key: (item) => item.name, empty: t('agents.none')});
  const gone = liveTable(t('agents.evicted'), evictedColumns(), {key: (item) => item.name, empty: t('agents.evicted.none')});
  const evicted = checkbox(t('agents.evicted.show'), {id: 'agents-evicted', checked: query.get('evicted') === '1', onchange: showEvicted});
  const evictedSection = section(t('agents.evicted'), gone.element);
  evictedSection.hidden = !evicted.box.checked;
  let announced = [];

  const look = watch(signal, async () => {
    const [items, convergence, migrations, former] = await Promise.all([
      all('/v1/agents', {limit: PAGE}, signal), get('/v1/convergence', {}, signal),
      may('getWaveSafety') ? all('/v1/migrations', {limit: MIGRATIONS}, signal, MIGRATIONS) : [],
      evicted.box.checked ? all('/v1/agents', {limit: PAGE, evicted: true}, signal) : [],
    ]);
    announced = await fences(migrations, signal);
    fill(failed);
    fill(summary, summaryOf(convergence, items));
    fill(waves, announced.length > 0 && section(t('agents.waves'), wavesList(announced)));
    await live.show(items.map((agent) => withFences(agent, announced)).sort(worstFirst));
    await gone.show(former);
  }, {seconds: 5, failed: (error) => fill(failed, errorNotice(error, look))});

  function showEvicted() {
    // The address says it, so that a reload shows the same; no other page is opened by that.
    history.replaceState(null, '', evicted.box.checked ? '#/agents?evicted=1' : '#/agents');
    evictedSection.hidden = !evicted.box.checked;
    look();
  }

  async function evict(agent) {
    const note = noteFields({isReasonRequired: true});
    const key = newKey();
    const done = await ask({
      title: t('agents.evict.title'), tone: 'bad', button: t('agents.evict'), confirm: agent.name, controls: note.elements,
      describe: evictionOf(agent),
      act: () => write('DELETE', path`/v1/agents/${agent.name}`, undefined, {query: note.values(), key}),
    });
    if (!done) return;
    toast(t('agents.evict.done', {name: agent.name}));
    look();
  }

  return [
    h('div.heading', h('h1', t('page.agents')), evicted.element), failed,
    section(t('agents.convergence'), summary), waves, section(t('agents.all'), live.element), evictedSection,
  ];
}

// MARK: What is asked for

// What each agent would do with the waves that are announced or frozen: {migration, wave, safety}
async function fences(migrations, signal) {
  const open = migrations.flatMap((migration) => migration.waves
    .filter((wave) => wave.announced_revision && (wave.state === 'announced' || wave.state === 'frozen')).map((wave) => ({migration, wave})));
  const found = await Promise.all(open.slice(0, WAVES).map(async ({migration, wave}) => {
    try {
      return {migration, wave, safety: await get(path`/v1/migrations/${migration.id}/waves/${wave.number}/safety`, {}, signal)};
    } catch (error) {
      // It went on meanwhile.
      if (error.status === 409 || error.status === 404) return null;
      throw error;
    }
  }));
  return found.filter((each) => each);
}

function withFences(agent, announced) {
  const fenceOf = ({migration, wave, safety}) => {
    const standing = safety.agents.find((each) => each.name === agent.name);
    return standing && {id: migration.id, name: migration.name, wave: wave.number, state: standing.state};
  };
  return {...agent, isOfEarlierStore: feed.epoch !== null && agent.epoch !== feed.epoch, fences: announced.map(fenceOf).filter((each) => each)};
}

function worstFirst(one, other) {
  return rank(one) - rank(other) || (one.name < other.name ? -1 : 1);
}

function rank(agent) {
  if (agent.ahead) return 0;
  if (agent.fences.some((each) => each.state === 'unsafe')) return 1;
  return agent.lagging ? 2 : agent.lag > 0 ? 3 : 4;
}

// MARK: What is shown

function summaryOf(convergence, items) {
  if (convergence.agents === 0 && convergence.lagging.length === 0) return h('p.empty', t('agents.none'));
  const behind = convergence.lagging.filter((name) => name !== '*');
  const silent = items.filter((agent) => agent.lagging).length;
  return [
    h('p.big', t('agents.converged', {n: convergence.converged, of: convergence.agents})),
    bar(t('agents.convergence'), [
      {name: t('agents.uptodate'), value: convergence.converged, tone: 'good'},
      {name: t('agents.late'), value: Math.max(0, behind.length - silent), tone: 'warn'},
      {name: t('agents.lagging'), value: silent, tone: 'bad'}]),
    behind.length > 0 && h('p.small', t('agents.waiting', {names: behind.slice(0, NAMED).join(', ')}),
      behind.length > NAMED && ` ${t('agents.more', {n: behind.length - NAMED})}`),
    convergence.lagging.includes('*') && notice('bad', t('agents.toomany')),
  ];
}

const STANDINGS = {applied: 'good', fenced: 'good', informed: 'good', unsafe: 'bad'};

function wavesList(announced) {
  return [h('p.small.muted', t('agents.waves.words')), h('ul.list', announced.map(({migration, wave, safety}) => {
    const numbers = Object.keys(STANDINGS).map((each) => [each, safety.agents.filter((agent) => agent.state === each).length]);
    return h('li.row', link(`#/migrations/${encodeURIComponent(migration.id)}`, t('agents.wave', {name: migration.name, wave: wave.number})),
      state(wave.state), numbers.filter(([, n]) => n > 0).map(([each, n]) => h(`span.tag.${STANDINGS[each]}`, `${t(`agents.fence.${each}`)}: ${number(n)}`)),
      safety.agents.length === 0 && h('span.muted', t('agents.none')));
  }))];
}

function columnsOf(evict, may) {
  return [
    {title: t('name'), cell: (agent) => h('strong.mono', agent.name)},
    {title: t('state'), cell: stateOf},
    {title: t('agents.lag'), kind: 'number', cell: (agent) => count(agent.lag)},
    {title: t('agents.applied'), kind: 'number', cell: (agent) => count(agent.revision)},
    {title: t('agents.seen'), cell: (agent) => time(agent.last_seen)},
    {title: t('agents.fence'), cell: fenceCell},
    may('evictAgent') && {title: t('agents.action'), cell: (agent) => button(t('agents.evict'), () => evict(agent),
      {kind: 'small', id: `evict-${agent.name}`, 'aria-label': t('agents.evict.label', {name: agent.name})})},
  ].filter((column) => column);
}

function stateOf(agent) {
  if (agent.ahead) return words('bad', t('agents.ahead'), t('agents.ahead.words', {n: agent.ahead}));
  if (agent.lagging) return words('bad', t('agents.lagging'), t('agents.lagging.words'));
  if (agent.isOfEarlierStore) return words('warn', t('agents.epoch'), t('agents.epoch.words'));
  if (agent.lag > 0) return h('span.tag.warn', t('agents.behind', {n: agent.lag}));
  return h('span.tag.good', t('agents.uptodate'));
}

function words(tone, tag, more) {
  return h('div', h(`span.tag.${tone}`, tag), h('div.small.muted', more));
}

function fenceCell(agent) {
  if (agent.fences.length === 0) return h('span.muted', '–');
  return h('ul.list', agent.fences.map((each) => h('li', h(`span.tag.${STANDINGS[each.state]}`, t(`agents.fence.${each.state}`)), ' ',
    link(`#/migrations/${encodeURIComponent(each.id)}`, t('agents.wave', each)))));
}

function evictedColumns() {
  return [
    {title: t('name'), cell: (agent) => h('strong.mono', agent.name)},
    {title: t('when'), cell: (agent) => moment(agent.evicted.at)},
    {title: t('who'), cell: (agent) => agent.evicted.actor.name},
    {title: t('why'), cell: (agent) => h('div', agent.evicted.reason ?? h('span.muted', '–'), agent.evicted.ticket && h('div.small.muted', agent.evicted.ticket))},
    {title: t('agents.seen'), cell: (agent) => time(agent.last_seen)},
  ];
}

function evictionOf(agent) {
  const unsafe = agent.fences.filter((each) => each.state === 'unsafe');
  return [
    h('p', t('agents.evict.words')),
    !agent.lagging && notice('warn', t('agents.evict.alive')),
    unsafe.map((each) => notice('bad', t('agents.evict.unsafe', each))),
    facts([[t('name'), h('span.mono', agent.name)], [t('agents.seen'), moment(agent.last_seen)], [t('agents.applied'), count(agent.revision)],
      [t('agents.lag'), count(agent.lag)]]),
  ];
}
