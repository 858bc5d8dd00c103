// All migrations, the newest first.
import {address, get} from '../api.js';
import {fill, h} from '../dom.js';
import {add, number, t} from '../i18n.js';
import {watch} from '../live.js';
import {endlessTable, errorNotice, field, link, location, select, tableRow} from '../ui.js';
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
    const rows = new Map();
    const empty = h('span', t(state ? 'migrations.none.state' : 'migrations.none'));
    const own = list = {rows, state, empty, isLoaded: false};
    own.table = endlessTable(t('page.migrations'), COLUMNS,
      async (cursor) => {
        const page = await get('/v1/migrations', {state: own.state, limit: PAGE, cursor}, signal);
        own.isLoaded = true;
        return page;
      }, {signal, empty, row: (row, item) => rows.set(item.id, {row, was: JSON.stringify(item)})});
    fill(place, own.table.element);
  }
  show();
  tick(signal);
  watch(signal, async () => {
    const shown = list;
    const {items} = await get('/v1/migrations', {state: shown.state, limit: PAGE}, signal);
    fill(trouble);
    if (shown === list && shown.isLoaded) renew(shown, items);
  }, {failed: (error) => { if (error.status && error.status !== 503) fill(trouble, errorNotice(error)); }});

  return [
    h('div.heading', h('h1', t('page.migrations')), may('planMigration') && h('a.button.primary', {href: '#/migrations/new'}, t('migrations.new'))),
    h('section.card', {'aria-label': t('page.migrations')}, h('div.filters.start', field(t('migrations.state'), filter)), trouble, place),
  ];
}

// The newest ones are as they are now, and rows that nothing has changed stay as they are, with the focus in them.
function renew({rows, table, empty}, items) {
  empty.hidden = items.length > 0;
  const now = new Set(items.map((each) => each.id));
  const first = [...table.body.children].slice(0, items.length || PAGE);
  for (const [id, {row}] of rows) if (!now.has(id) && first.includes(row)) { row.remove(); rows.delete(id); }
  let before = table.body.firstChild;
  for (const item of items) {
    const was = JSON.stringify(item);
    const known = rows.get(item.id);
    if (known?.was === was) { before = known.row.nextSibling; continue; }
    const row = tableRow(COLUMNS, item);
    rows.set(item.id, {row, was});
    if (known) {
      const isFocused = known.row.contains(document.activeElement);
      known.row.replaceWith(row);
      if (isFocused) row.querySelector('a')?.focus();
    } else table.body.insertBefore(row, before);
    before = row.nextSibling;
  }
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
