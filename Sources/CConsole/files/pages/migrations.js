// All migrations, the newest first.
import {address, get} from '../api.js';
import {fill, h} from '../dom.js';
import {add, number, t} from '../i18n.js';
import {watch} from '../live.js';
import {endlessTable, errorNotice, field, link, location, select} from '../ui.js';
import {countdown, progress, since, standing, tick} from '../waves.js';
import texts from '../texts/migrations.js';

add(texts);

const STATES = ['planned', 'running', 'finalized', 'cancelled'];
const PAGE = 100;

export default async function migrations({query, signal, may}) {
  const place = h('div');
  const trouble = h('div');
  let state = STATES.includes(query.get('state')) ? query.get('state') : '';
  let list;

  const filter = select([['', t('migrations.all')], ...STATES.map((each) => [each, t(`state.${each}`)])], state, {
    id: 'migrations-state', onchange: () => {
      state = filter.value;
      history.replaceState(null, '', address('#/migrations', {state}));
      show();
    },
  });

  function show() {
    const chosen = state;
    list = endlessTable(t('page.migrations'), COLUMNS, (cursor, limit = PAGE) => get('/v1/migrations', {state: chosen, limit, cursor}, signal),
      {signal, empty: t(chosen ? 'migrations.none.state' : 'migrations.none'), key: (each) => each.id, version: (each) => JSON.stringify(each)});
    fill(place, list.element);
  }
  show();
  tick(signal);
  watch(signal, async () => { await list.refresh(); fill(trouble); },
    {failed: (error) => { if (error.status && error.status !== 503) fill(trouble, errorNotice(error)); }});

  return [
    h('div.heading', h('h1', t('page.migrations')), may('planMigration') && h('a.button.primary', {href: '#/migrations/new'}, t('migrations.new'))),
    h('section.card', {'aria-label': t('page.migrations')}, h('div.filters.start', field(t('migrations.state'), filter)), trouble, place),
  ];
}

const COLUMNS = [
  {get title() { return t('name'); }, cell: (each) => h('div', link(`#/migrations/${encodeURIComponent(each.id)}`, each.name),
    each.ticket && h('div.small.muted', each.ticket))},
  {get title() { return t('state'); }, cell: (each) => h('div.row', standing(each.state), each.waves.filter((wave) => wave.deadline).map((wave) => countdown(wave.deadline)))},
  {get title() { return t('migrations.way'); }, cell: (each) => h('div.row', location(each.from), '→', location(each.to))},
  {get title() { return t('migrations.progress'); }, cell: (each) => h('div', each.waves.length ? progress(each) : t('migrations.empty'))},
  {get title() { return t('migrations.waves'); }, cell: (each) => waveCounts(each.waves)},
  {get title() { return t('migrations.planned'); }, cell: (each) => h('div', since(each.created_at), h('div.small.muted', each.created_by.name))},
];

function waveCounts(waves) {
  const counts = new Map();
  for (const wave of waves) counts.set(wave.state, (counts.get(wave.state) ?? 0) + 1);
  return h('div.row', [...counts].map(([state, n]) => h('span.small', `${number(n)} × `, standing(state))));
}
