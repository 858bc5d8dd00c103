// Is it really so? A list of what a location has, held against what the registry says.
import {all} from '../api.js';
import {save} from '../csv.js';
import {fill, h} from '../dom.js';
import {Comparison, KINDS, SHOWN, recognized, typeOf} from '../drifting.js';
import {add, clock, number, t} from '../i18n.js';
import {bar, button, endlessTable, errorNotice, field, input, location, name, notice, section, select} from '../ui.js';
import texts from '../texts/drift.js';

add(texts);

const TONES = {missing: 'bad', elsewhere: 'bad', unknown: 'warn', invalid: 'warn'};
const FORMATS = ['text', 'csv', 'ndjson'];
// Rows at once, and how often what is counted is drawn, in milliseconds.
const [ROWS, DRAWN] = [200, 250];
// What somebody has compared last, as long as they are signed in: who follows a finding's link comes back to the others.
const last = new WeakMap();

export default async function drift({query, signal, me}) {
  const names = (await all('/v1/locations', {limit: 1000}, signal)).map((each) => each.name);
  const results = h('div');
  const form = listForm(names, query.get('location') ?? last.get(me)?.location, signal, (location, list, format, title) => {
    last.get(me)?.stop();
    last.set(me, new Comparison(location, list, typeOf(format), title));
    show();
  });

  function show() {
    const comparison = last.get(me);
    fill(results, comparison && resultsOf(comparison, signal));
  }

  show();
  return [h('h1', t('page.drift')), section(t('drift.list'), h('p', t('drift.words')), form), results];
}

// MARK: The list

function listForm(names, chosen, signal, compare) {
  const where = select(names.map((each) => [each, each]), names.includes(chosen) ? chosen : names[0], {name: 'location', onchange: keepAddress});
  const file = input({type: 'file', id: 'drift-file', accept: '.txt,.csv,.ndjson,.jsonl,.json,text/*', onchange: () => take(file.files[0])});
  const pasted = h('textarea#drift-pasted', {spellcheck: 'false', oninput: () => look()});
  const format = select(FORMATS.map((each) => [each, t(`drift.format.${each}`)]), 'text', {name: 'format', onchange: () => { isChosen = true; }});
  const [said, failed] = [h('div', {role: 'status'}), h('div')];
  const go = h('button.primary', {type: 'submit', disabled: true}, t('drift.compare'));
  const forget = button(t('drift.forget'), () => take(null), {kind: 'small', hidden: true});
  const pasting = field(t('drift.paste'), pasted, t('drift.paste.hint'));
  const drop = h('div.drop', field(t('drift.file'), file, t('drift.file.hint')), forget);
  let given = null;
  // Whether somebody knows better what the list is.
  let isChosen = false;
  let looks = 0;

  function keepAddress() {
    history.replaceState(null, '', `#/drift?location=${encodeURIComponent(where.value)}`);
  }

  function take(one) {
    given = one ?? null;
    if (!given) file.value = '';
    forget.hidden = !given;
    pasting.hidden = Boolean(given);
    isChosen = false;
    look();
  }

  function list() {
    return given ?? (pasted.value.trim() ? new Blob([pasted.value]) : null);
  }

  async function look() {
    const mine = looks += 1;
    const one = list();
    go.disabled = !one;
    if (!one) return fill(said);
    let found;
    try {
      found = await recognized(one);
    } catch {
      found = {fault: 'unreadable'};
    }
    if (mine !== looks) return;
    go.disabled = Boolean(found.fault);
    if (found.fault) return fill(said, notice('bad', t(`drift.fault.${found.fault}`)));
    if (!isChosen) format.value = found.format;
    fill(said, notice(found.isTable ? 'warn' : 'good', h('p', h('strong', given ? `${given.name} · ${size(given.size)}` : t('drift.pasted')), ' ', t(`drift.seen.${found.format}`)),
      found.isTable && h('p', t('drift.seen.table')), h('p.small', t('drift.first'), ' ', h('code', found.first.slice(0, 200)))));
  }

  function submit(event) {
    event.preventDefault();
    fill(failed);
    const one = list();
    if (one) compare(where.value, one, format.value, given?.name ?? t('drift.pasted'));
  }

  dropping(drop, signal, take);
  return h('form', {onsubmit: submit},
    h('div.columns', field(t('location'), where), field(t('drift.format'), format, t('drift.format.hint'))), drop, pasting, said, failed, h('div.actions', go));
}

// A file that is dropped anywhere on the page is taken: the browser would leave the page for it.
function dropping(place, signal, take) {
  const options = {signal};
  const mark = (isOver) => place.classList.toggle('over', isOver);
  addEventListener('dragover', (event) => { event.preventDefault(); mark(true); }, options);
  addEventListener('dragleave', (event) => { if (!event.relatedTarget) mark(false); }, options);
  addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files[0]);
  }, options);
}

function size(octets) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, octets)) / 3));
  const value = octets / 1000 ** power;
  return `${number(power === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10)} ${units[power]}`;
}

// MARK: The findings

function resultsOf(comparison, signal) {
  const [head, counts, rows] = [h('div', {role: 'status'}), h('div.row', {role: 'group', 'aria-label': t('drift.finding')}), h('div')];
  const drawing = h('div');
  let kind = null;
  let table = null;
  let drawn = 0;

  function draw() {
    drawn = 0;
    if (signal.aborted) return;
    fill(drawing, comparison.total > 0 && bar(t('drift.findings'), KINDS.map((each) => ({name: t(`drift.${each}`), value: comparison.counts[each], tone: TONES[each]}))));
    fill(counts, [null, ...KINDS].map((each) => h('button.small', {type: 'button', id: `drift-${each ?? 'all'}`, 'aria-pressed': String(kind === each), onclick: () => choose(each)},
      `${t(`drift.${each ?? 'every'}`)}: ${number(each ? comparison.counts[each] : comparison.total)}`)),
    comparison.state !== 'running' && comparison.total > 0 && button(t('drift.download'), () => save(comparison.file(), `drift-${comparison.location}.csv`), {kind: 'small', id: 'drift-download'}));
  }

  function soon() {
    drawn ||= setTimeout(draw, DRAWN);
  }

  // What is said to whoever doesn't see the numbers run: the beginning and the end.
  function say() {
    fill(head, headOf(comparison));
  }

  function choose(one) {
    kind = one;
    table?.abort();
    table = new AbortController();
    signal.addEventListener('abort', () => table.abort(), {once: true});
    draw();
    fill(rows, endlessTable(t('drift.findings'), columns(), (cursor) => page(comparison, kind, cursor ?? {at: 0}, table.signal),
      {empty: t(comparison.total === 0 ? 'drift.none' : 'none'), signal: table.signal}).element);
  }

  comparison.addEventListener('finding', soon, {signal});
  comparison.addEventListener('end', () => { say(); draw(); }, {signal});
  const ticking = setInterval(() => { if (comparison.state === 'running') fill(taken, clock((Date.now() - comparison.began) / 1000)); }, 1000);
  signal.addEventListener('abort', () => clearInterval(ticking), {once: true});
  const taken = h('span.muted', {'aria-hidden': 'true'});
  say();
  choose(null);
  return section(t('drift.findings'), head, h('p.row', taken), drawing, counts, rows,
    comparison.total > SHOWN && h('p.small.muted', t('drift.first.shown', {n: SHOWN})));
}

function headOf(comparison) {
  const about = h('p', h('strong', comparison.title), ` · ${size(comparison.size)} · `, location(comparison.location));
  if (comparison.state === 'running') return [about, h('p.row', t('drift.running'), button(t('drift.stop'), () => comparison.stop(), {kind: 'small'}))];
  if (comparison.state === 'stopped') return [about, notice('warn', t('drift.stopped'))];
  if (comparison.state === 'failed') return [about, failureOf(comparison)];
  if (comparison.total === 0) return [about, notice('good', t('drift.none', {n: comparison.revision}))];
  return [about, notice('warn', t('drift.done', {n: comparison.total, revision: comparison.revision}))];
}

function failureOf({error, total}) {
  if (error.code !== undefined) return errorNotice(error);
  return notice('bad', t(total > 0 ? 'drift.broken' : 'drift.lost'));
}

// The next rows of a kind; waits for them while the comparison runs.
async function page(comparison, kind, {at}, signal) {
  const items = [];
  let next = at;
  for (;;) {
    while (next < comparison.findings.length && items.length < ROWS) {
      const finding = comparison.findings[next];
      if (!kind || finding.finding === kind) items.push(finding);
      next += 1;
    }
    const isOver = next >= comparison.findings.length && (comparison.state !== 'running' || next >= SHOWN);
    if (isOver || items.length > 0) return {items, next_cursor: isOver ? null : {at: next}};
    await more(comparison, signal);
  }
}

function more(comparison, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => { comparison.removeEventListener('finding', go); reject(new DOMException('', 'AbortError')); };
    const go = () => { signal.removeEventListener('abort', stop); resolve(); };
    comparison.addEventListener('finding', go, {once: true});
    signal.addEventListener('abort', stop, {once: true});
  });
}

function columns() {
  return [
    {title: t('name'), cell: (item) => (item.finding === 'invalid' ? h('span.mono', item.fqdn) : name(item.fqdn, {isLink: item.finding !== 'unknown'}))},
    {title: t('drift.finding'), cell: (item) => h(`span.tag.${TONES[item.finding] ?? 'muted'}`, t(`drift.${item.finding}`))},
    {title: t('drift.registered'), cell: (item) => (item.registered ? location(item.registered) : h('span.muted', '–'))},
    {title: t('drift.meaning'), cell: (item) => h('span.small', t(`drift.meaning.${item.finding}`))},
  ];
}
