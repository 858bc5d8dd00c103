// Plans a migration: what to move, in which waves, what would come of it, and only then the plan. Nothing moves by a plan.
import {address, all, get, newKey, path, write} from '../api.js';
import {fill, h} from '../dom.js';
import {add, has, number, t} from '../i18n.js';
import {namesIn} from '../lists.js';
import {ask, button, checkbox, endlessTable, errorNotice, facts, field, input, loading, name, notice, noteFields, select, table, toast} from '../ui.js';
import {sizeOf} from '../waves.js';
import texts from '../texts/plan.js';

add(texts);

const DRAFT = 'tenant-registry.plan';
// What a tab may keep of a pasted list, in characters; a longer one is pasted again after a reload.
const MOST_KEPT = 1_000_000;
// Each page of names is a dry run of its own.
const NAMES = 250;
// A list of a million names isn't read with every key, and browsers refuse an address that changes so often.
const PAUSE = 300;
const SHOWN_WRONG = 20;
const KINDS = ['count', 'percent', 'rest'];

export default async function plan({query, signal, may}) {
  const locations = (await all('/v1/locations', {}, signal)).map((each) => each.name);
  const draft = new Draft(query);
  if (query.has('again')) await draft.takeAgain(query.get('again'), query.get('wave'), signal);
  const form = new PlanForm(draft, locations);
  const place = h('div.result', {'aria-live': 'polite'});
  let run = 0;

  form.element.addEventListener('input', () => { run += 1; fill(place); });
  form.element.addEventListener('submit', async (event) => {
    event.preventDefault();
    const own = run += 1;
    const wanted = form.wanted();
    if (wanted.problem) return fill(place, notice('bad', wanted.problem));
    fill(place, loading());
    try {
      const {body: preview} = await write('POST', '/v1/migrations', wanted.body, {query: {dry_run: true}, signal});
      if (own === run) {
        fill(place, new Preview(preview, wanted, {signal, may}).element);
        place.querySelector('h2').focus();
      }
    } catch (error) {
      if (own === run && error.name !== 'AbortError') fill(place, errorNotice(error));
    }
  });
  return [h('h1', t('page.plan')), form.element, place];
}

// MARK: What is being written

// The form's contents as far as they can be found again: in the address, so that they can be shown to somebody, and the list in this tab.
class Draft {
  constructor(query) {
    this.values = Object.fromEntries(query);
    this.list = kept();
  }

  // Names of a wave that was rolled back or cancelled, to be moved after all.
  async takeAgain(id, wave, signal) {
    const [was, domains] = await Promise.all([
      get(path`/v1/migrations/${id}`, {}, signal), all(path`/v1/migrations/${id}/domains`, {wave, limit: 1000}, signal, 1_000_000),
    ]);
    this.list = domains.filter((each) => each.status !== 'skipped').map((each) => each.fqdn).join('\n');
    this.values = {name: t('plan.again', {name: was.name}).slice(0, 100), from: was.from, to: was.to, freeze: was.freeze, whole: was.whole_tenants ? '' : 'no', kind: 'list', waves: 'rest'};
    keep(this.list);
    this.save(this.values);
  }

  save(values) {
    if (globalThis.location.hash.startsWith('#/migrations/new')) history.replaceState(null, '', address('#/migrations/new', values));
  }
}

function kept() {
  return sessionStorage.getItem(DRAFT) ?? '';
}

function keep(list) {
  if (list && list.length <= MOST_KEPT) sessionStorage.setItem(DRAFT, list);
  else sessionStorage.removeItem(DRAFT);
}

// MARK: The form

class PlanForm {
  constructor(draft, locations) {
    this.draft = draft;
    const {values} = draft;
    const places = locations.map((each) => [each, each]);
    const from = locations.includes(values.from) ? values.from : locations.find((each) => each === 'japan') ?? locations[0];
    this.name = input({name: 'name', maxlength: 100, value: values.name ?? ''});
    this.from = select(places, from, {name: 'from'});
    this.to = select(places, locations.includes(values.to) ? values.to : locations.find((each) => each !== from), {name: 'to'});
    this.freeze = select(['read_only', 'reject', 'none'].map((each) => [each, t(`plan.freeze.${each}`)]), values.freeze ?? 'read_only', {name: 'freeze'});
    this.whole = checkbox(t('plan.whole'), {name: 'whole_tenants', checked: values.whole !== 'no'});
    this.waves = new WaveRows(values.waves ?? '10,10%,rest');
    this.kinds = ['list', 'file', 'filter'].map((each) => h('input', {type: 'radio', name: 'kind', value: each, checked: (values.kind ?? 'list') === each}));
    this.list = h('textarea', {name: 'list', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', value: draft.list, rows: 8});
    this.file = h('input', {type: 'file', name: 'file', accept: '.txt,.csv,.tsv,.ndjson,.json,text/plain,text/csv'});
    this.filter = {
      suffix: input({name: 'suffix', value: values.suffix ?? ''}), prefix: input({name: 'prefix', value: values.prefix ?? ''}),
      contains: input({name: 'contains', value: values.contains ?? '', minlength: 2}),
      tenant: input({name: 'tenant', value: values.tenant ?? ''}), before: h('input', {type: 'datetime-local', name: 'before', value: values.before ?? '', step: 1}),
      sample: input({type: 'number', name: 'sample', min: 0, max: 100, step: 'any', value: values.sample ?? '', inputmode: 'decimal'}),
    };
    this.read = h('div', {'aria-live': 'polite'});
    this.fileText = null;
    this.parts = {
      list: h('div', field(t('plan.list'), this.list, t('plan.list.hint'))),
      file: h('div', field(t('plan.file'), this.file, t('plan.file.hint'))),
      filter: h('div.filters.start', field(t('plan.suffix'), this.filter.suffix, t('plan.suffix.hint')), field(t('plan.prefix'), this.filter.prefix), field(t('plan.contains'), this.filter.contains),
        field(t('tenant'), this.filter.tenant), field(t('plan.before'), this.filter.before), field(t('plan.sample'), this.filter.sample, t('plan.sample.hint'))),
    };
    this.element = h('form.card', {novalidate: true, oninput: () => this.#edited()},
      h('div.filters.start', field(t('plan.name'), this.name, t('plan.name.hint')), field(t('plan.from'), this.from), field(t('plan.to'), this.to)),
      h('fieldset.choices', h('legend', t('plan.what')), this.kinds.map((each) => h('label.check', each, ' ', t(`plan.kind.${each.value}`)))),
      Object.values(this.parts), this.read, this.waves.element,
      h('div.filters.start', field(t('plan.freeze'), this.freeze)), this.whole.element,
      h('p.hint', t('plan.whole.hint')),
      h('div.actions', h('button.primary', {type: 'submit'}, t('plan.dryrun'))));
    this.waves.changed = () => this.element.dispatchEvent(new Event('input'));
    this.file.addEventListener('change', () => this.#readFile());
    this.#showKind();
    this.#showRead();
  }

  get kind() {
    return this.kinds.find((each) => each.checked).value;
  }

  async #readFile() {
    const [file] = this.file.files;
    this.fileText = file ? await file.text() : null;
    this.#showRead();
  }

  #edited() {
    this.#showKind();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#settled(), PAUSE);
  }

  #settled() {
    this.#showRead();
    const {suffix, prefix, contains, tenant, before, sample} = this.filter;
    keep(this.list.value);
    this.draft.save({
      name: this.name.value, from: this.from.value, to: this.to.value, kind: this.kind, freeze: this.freeze.value, whole: this.whole.box.checked ? '' : 'no',
      waves: this.waves.text, ...(this.kind === 'filter' && {suffix: suffix.value, prefix: prefix.value, contains: contains.value, tenant: tenant.value, before: before.value, sample: sample.value}),
    });
  }

  #showKind() {
    for (const [kind, part] of Object.entries(this.parts)) part.hidden = kind !== this.kind;
  }

  // What was understood of a list, at once: whoever pastes the wrong column sees it here.
  #showRead() {
    const text = this.kind === 'list' ? this.list.value : this.kind === 'file' ? this.fileText ?? '' : '';
    if (text === this.readText) return;
    this.readText = text;
    this.names = text ? namesIn(text) : null;
    fill(this.read, this.names && readWords(this.names));
  }

  // - Returns: {body, names?, problem?}
  wanted() {
    this.#showRead();
    if (this.from.value === this.to.value) return {problem: t('plan.problem.same')};
    const waves = this.waves.value();
    if (!waves) return {problem: t('plan.problem.waves')};
    const select = this.#select();
    if (select.problem) return select;
    const title = this.name.value.trim();
    return {
      names: select.fqdns && this.names,
      body: {...(title && {name: title}), from: this.from.value, to: this.to.value, select, waves, freeze: this.freeze.value, whole_tenants: this.whole.box.checked},
    };
  }

  #select() {
    if (this.kind !== 'filter') {
      if (!this.names?.names.length) return {problem: t('plan.problem.nonames')};
      // The registry tells what came twice, too.
      return {fqdns: [...this.names.names, ...this.names.doubled.map((each) => each.name)]};
    }
    const {suffix, prefix, contains, tenant, before, sample} = this.filter;
    const share = sample.value === '' ? undefined : Number(sample.value);
    if (!sample.validity.valid || share <= 0) return {problem: t('plan.problem.sample')};
    const where = Object.fromEntries([['suffix', suffix.value.trim().replace(/^\*?\./, '')], ['prefix', prefix.value.trim()], ['contains', contains.value.trim()], ['tenant', tenant.value.trim()],
      ['registered_before', before.value && new Date(before.value).toISOString()]].filter(([, value]) => value));
    return {where, ...(share !== undefined && {sample_percent: share})};
  }
}

function readWords({names, wrong, doubled}) {
  return h('div', h('p', t('plan.read', {n: names.length}), doubled.length > 0 && ` ${t('plan.read.doubled', {n: doubled.length})}`),
    wrong.length > 0 && notice('warn', h('p', t('plan.read.wrong', {n: wrong.length})),
      h('ul.list', wrong.slice(0, SHOWN_WRONG).map((each) => h('li', h('span.muted', t('plan.line', {line: each.line})), ' ', h('code', each.text)))),
      wrong.length > SHOWN_WRONG && h('p', t('plan.read.more', {n: wrong.length - SHOWN_WRONG}))));
}

// MARK: Waves as rows

// `text` is what the command line's --waves takes: 10,10%,rest
class WaveRows {
  changed = () => {};
  #rows = [];
  #list = h('div');

  constructor(text) {
    this.element = h('fieldset.wave-rows', h('legend', t('plan.waves')), h('p.hint', t('plan.waves.hint')), this.#list,
      button(t('plan.waves.add'), () => this.#add(), {kind: 'small', id: 'add-wave'}));
    for (const part of text.split(',')) {
      const [, value, sign] = part.trim().match(/^([0-9.]+)(%?)$/) ?? [];
      this.#rows.push(this.#row(value === undefined ? 'rest' : sign ? 'percent' : 'count', value ?? ''));
    }
    this.#show();
  }

  #row(kind, value) {
    const row = {
      number: h('strong'), remove: button(t('plan.waves.remove'), () => this.#remove(row), {kind: 'small'}),
      kind: select(KINDS.map((each) => [each, t(`plan.wave.${each}`)]), kind, {onchange: () => this.#show()}),
      value: input({type: 'number', min: 0, step: 'any', value, inputmode: 'decimal'}),
    };
    row.element = h('div.wave-row', row.number, row.kind, row.value, row.remove);
    return row;
  }

  // A new one goes before the rest, which comes last.
  #add() {
    const at = this.#rows.at(-1)?.kind.value === 'rest' ? this.#rows.length - 1 : this.#rows.length;
    const row = this.#row('count', 100);
    this.#rows.splice(at, 0, row);
    this.#show();
    row.value.focus();
    this.changed();
  }

  #remove(row) {
    const at = this.#rows.indexOf(row);
    this.#rows.splice(at, 1);
    this.#show();
    (this.#rows[Math.min(at, this.#rows.length - 1)]?.remove ?? document.getElementById('add-wave')).focus();
    this.changed();
  }

  #show() {
    this.#rows.forEach((row, index) => {
      row.number.textContent = number(index + 1);
      for (const each of ['kind', 'value', 'remove']) row[each].setAttribute('aria-label', t(`plan.wave.${each}`, {number: index + 1}));
      row.value.hidden = row.kind.value === 'rest';
      row.remove.disabled = this.#rows.length === 1;
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    while (this.#list.children.length > this.#rows.length) this.#list.lastChild.remove();
  }

  get text() {
    return this.#rows.map(({kind, value}) => (kind.value === 'rest' ? 'rest' : value.value + (kind.value === 'percent' ? '%' : ''))).join(',');
  }

  // - Returns: as the registry takes them; null where a row can't be one.
  value() {
    const waves = [];
    for (const [index, {kind, value}] of this.#rows.entries()) {
      const n = Number(value.value);
      if (kind.value === 'rest' ? index < this.#rows.length - 1 : !(n > 0) || (kind.value === 'percent' ? n > 100 : !Number.isInteger(n))) return null;
      waves.push(kind.value === 'rest' ? {rest: true} : {[kind.value]: n});
    }
    return waves;
  }
}

// MARK: What would come of it

class Preview {
  constructor(preview, wanted, {signal, may}) {
    Object.assign(this, {preview, wanted, signal});
    const {counts, waves} = preview;
    const moving = sizeOf(waves);
    const brought = wanted.names ? counts.selected - wanted.body.select.fqdns.length : 0;
    this.element = h('div.card', h('h2', {tabindex: -1}, t('plan.preview')), h('p', t('plan.preview.words')),
      facts([
        [t('plan.moving'), h('span.big', number(moving))], [t('plan.skipped'), h('span.big', number(counts.skipped))],
        [t('plan.selected'), h('span', number(counts.selected), brought > 0 && h('span.muted', ` ${t('plan.brought', {n: brought})}`))],
        counts.eligible > moving && [t('plan.leftout'), number(counts.eligible - moving)],
      ]),
      h('h3', t('plan.waves')), this.#waves(), h('h3', t('plan.skipped')), this.#skipped(), this.#movers(),
      h('div.actions', may('planMigration') && waves.length > 0 && button(t('plan.go'), () => this.#plan(), {kind: 'primary', id: 'plan-go'})));
  }

  #waves() {
    const warnings = this.preview.warnings ?? [];
    const loose = warnings.filter((each) => !this.preview.waves.some((wave) => wave.number === each.wave) || each.code === 'left-out');
    return h('div', table(t('plan.waves'), [
      {title: t('plan.wave'), cell: (each) => number(each.number), kind: 'number'}, {title: t('domains'), cell: (each) => number(each.size), kind: 'number'},
      {title: t('plan.objections'), cell: (each) => {
        const own = warnings.filter((warning) => warning.wave === each.number && warning.code !== 'left-out');
        return own.length ? h('div', own.map((warning) => h('p', h('span.tag.warn', t(`warning.${warning.code}`)), ' ', h('span.small', warning.detail)))) : h('span.tag.good', t('plan.noobjections'));
      }},
    ], this.preview.waves, {empty: t('plan.nowaves')}), loose.map((each) => notice('warn', h('strong', t(`warning.${each.code}`)), ' ', each.detail)));
  }

  #skipped() {
    const {skipped, counts} = this.preview;
    const wrong = this.wanted.names?.wrong ?? [];
    if (counts.skipped === 0 && wrong.length === 0) return h('p.empty', t('plan.noskipped'));
    const codes = new Map();
    for (const each of skipped) codes.set(each.code, (codes.get(each.code) ?? 0) + 1);
    const isWhole = skipped.length === counts.skipped;
    return h('div',
      wrong.length > 0 && h('p', h('span.tag.warn', number(wrong.length)), ' ', t('skip.no-name')),
      isWhole && h('ul.list', [...codes].map(([code, n]) => h('li', h('span.tag.warn', number(n)), ' ', skipWords(code)))),
      codes.has('tenant-not-whole') && notice('warn', t('plan.notwhole')),
      this.#names('skipped', [{title: t('why'), cell: (each) => skipWords(each.code)}], ''));
  }

  // Who moves, by name: asked for only by those who want to see it.
  #movers() {
    if (this.preview.waves.length === 0) return null;
    const asked = this.wanted.names && new Set(this.wanted.names.names);
    const place = h('div');
    const details = h('details', h('summary', t('plan.movers')), place);
    details.addEventListener('toggle', () => {
      if (!details.open || place.firstChild) return;
      fill(place, this.#names('planned', [{title: t('plan.wave'), cell: (each) => number(each.wave), kind: 'number'},
        asked && {title: t('plan.why'), cell: (each) => t(asked.has(each.fqdn) ? 'plan.listed' : 'plan.companion')}].filter(Boolean), t('plan.nowaves')));
    });
    return details;
  }

  // The names of the dry run, whichever they are. Where the plan would be another one by now, the registry says so.
  #names(status, more, empty) {
    return endlessTable(t(status === 'skipped' ? 'plan.skipped' : 'plan.movers'), [
      {title: t('name'), cell: (each) => name(each.fqdn)}, {title: t('tenant'), cell: (each) => each.tenant ?? h('span.muted', '–')}, ...more,
    ], async (cursor) => {
      const {body} = await write('POST', '/v1/migrations', this.wanted.body, {query: {dry_run: true, domains: true, status, limit: NAMES, cursor}, signal: this.signal});
      return body.domains;
    }, {signal: this.signal, empty}).element;
  }

  async #plan() {
    const {preview, wanted} = this;
    const note = noteFields();
    const key = newKey();
    const moving = sizeOf(preview.waves);
    const given = await ask({
      title: t('plan.ask'), button: t('plan.go'), controls: note.elements,
      describe: h('p', t('plan.ask.words', {n: moving, waves: preview.waves.length, from: preview.from, to: preview.to})),
      act: () => write('POST', '/v1/migrations', {...wanted.body, ...note.values()}, {key}),
    });
    if (!given) return;
    keep('');
    // Somebody has changed something between the two: nothing has moved, and whoever looks at the plan sees what it is now.
    if (given.body.plan_digest !== preview.plan_digest) toast(t('plan.changed'), 'bad');
    else toast(`${t('plan.done', {name: given.body.name})} ${given.revision ? t('done', {n: given.revision}) : ''}`);
    globalThis.location.hash = `#/migrations/${encodeURIComponent(given.body.id)}`;
  }
}

function skipWords(code) {
  return has(`skip.${code}`) ? t(`skip.${code}`) : code;
}
