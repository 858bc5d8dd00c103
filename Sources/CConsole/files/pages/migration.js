// One migration: its waves as a board, each with what comes next and with what every agent beside it has, and the domains below.
//
// Nothing of it is kept here: a page that is loaded again, or in somebody else's hands, asks for the same and shows the same.
import {Problem, address, all, get, path} from '../api.js';
import {fill, h} from '../dom.js';
import {add, dateTime, has, number, t} from '../i18n.js';
import {watch} from '../live.js';
import {button, endlessTable, errorNotice, facts, field, link, location, moment, name, notice, select} from '../ui.js';
import {cancel, finalize, stepsOf} from '../steps.js';
import {countdown, isOver, progress, since, standing, tick} from '../waves.js';
import texts from '../texts/migration.js';

add(texts);

const STATUSES = ['planned', 'announced', 'frozen', 'moved', 'rolled_back', 'finalized', 'cancelled', 'skipped'];
const PAGE = 200;
const MOST = 1000;
// So many of the waves that moved last are open at first: their agents are still of interest.
const OPEN_MOVED = 2;

export default async function migration({parameters: [id], query, signal, me, may, overrides}) {
  const board = new Board(id, {signal, me, may, overrides});
  await board.load();
  const domains = new Domains(board, query);
  const trouble = h('div');
  board.chosen = (wave) => domains.choose(wave);
  board.again = watch(signal, async () => {
    await board.load();
    board.show();
    fill(trouble);
    await domains.renew();
  }, {seconds: 2, failed: (error) => { if (error instanceof Problem && error.status !== 503) fill(trouble, errorNotice(error)); }});
  tick(signal);
  board.show();
  return [board.heading, trouble, board.summary, h('section.card', {'aria-labelledby': 'board-title'}, h('h2#board-title', t('migration.board')), board.empty, board.list),
    domains.element];
}

// MARK: The board

class Board {
  migration = null;
  agents = [];
  safety = new Map();
  convergence = new Map();
  steps = new Map();
  cards = new Map();
  heading = h('div.heading');
  summary = h('section.card');
  list = h('div.waves');
  empty = h('div');
  #fresh = new Set();

  constructor(id, {signal, me, may, overrides}) {
    Object.assign(this, {id, signal, me, may, overrides});
  }

  async load() {
    const [now, agents] = await Promise.all([
      get(path`/v1/migrations/${this.id}`, {}, this.signal), this.may('listAgents') ? all('/v1/agents', {}, this.signal) : [],
    ]);
    this.migration = now;
    this.agents = agents.filter((each) => !each.evicted);
    await Promise.all(now.waves.filter((wave) => this.#isOpen(wave)).map((wave) => this.#ask(wave)));
  }

  // What is only known of one wave: who is safe, who has its last step, and who did that. Another step in between isn't an error.
  async #ask(wave) {
    const isAnnounced = wave.announced_revision && (wave.state === 'announced' || wave.state === 'frozen');
    this.safety.set(wave.number, isAnnounced && this.may('getWaveSafety')
      ? await orNothing(get(path`/v1/migrations/${this.id}/waves/${wave.number}/safety`, {}, this.signal)) : null);
    if (!wave.revision) return;
    if (this.may('getConvergence')) {
      this.convergence.set(wave.number, await orNothing(get('/v1/convergence', {revision: wave.revision}, this.signal)));
    }
    // A revision never changes: it's asked for once.
    if (this.may('listHistory') && this.steps.get(wave.number)?.revision !== wave.revision) {
      const page = await orNothing(get('/v1/history', {migration: this.id, after: wave.revision - 1, order: 'asc', limit: 1}, this.signal));
      const item = page?.items[0];
      this.steps.set(wave.number, item?.revision === wave.revision ? item : null);
    }
  }

  #isOpen(wave) {
    return this.cards.get(wave.number)?.element.open ?? this.#opensAtFirst(wave);
  }

  #opensAtFirst(wave) {
    if (wave.state === 'announced' || wave.state === 'frozen') return true;
    const {waves} = this.migration;
    if (wave.state === 'planned') return wave === waves.find((each) => each.state === 'planned');
    return wave.state === 'moved' && waves.filter((each) => each.state === 'moved' && each.revision > wave.revision).length < OPEN_MOVED;
  }

  whenFresh(call) {
    this.#fresh.add(call);
    return () => this.#fresh.delete(call);
  }

  // What a step has answered stands at its wave as long as the page is open.
  tell(number, shown) {
    const card = this.cards.get(number);
    if (!card) return;
    fill(card.told, shown);
    card.element.open = true;
  }

  show() {
    const {migration} = this;
    if (this.#changed('heading', [migration.name, migration.state, migration.waves.map((wave) => wave.state)])) {
      fill(this.heading, h('div.row', h('h1', migration.name), standing(migration.state)), h('div.row', this.#wholeSteps()));
    }
    if (this.#changed('summary', migration)) fill(this.summary, summaryOf(migration));
    fill(this.empty, migration.waves.length === 0 && h('p.empty', t('migration.nowaves')));
    for (const wave of migration.waves) this.#card(wave);
    for (const each of this.#fresh) each();
  }

  #seen = new Map();
  #changed(what, value) {
    const text = JSON.stringify(value);
    if (this.#seen.get(what) === text) return false;
    this.#seen.set(what, text);
    return true;
  }

  #wholeSteps() {
    const {waves, state} = this.migration;
    const isOpen = state === 'planned' || state === 'running';
    const left = waves.some((wave) => ['planned', 'announced', 'frozen'].includes(wave.state));
    const mayFinalize = isOpen && !left && waves.length > 0;
    return [
      this.may('finalizeMigration') && mayFinalize && button(t('step.finalize'), () => finalize(this), {kind: 'primary', id: 'finalize'}),
      this.may('cancelMigration') && isOpen && left && button(t('step.cancel'), () => cancel(this), {id: 'cancel'}),
    ];
  }

  #card(wave) {
    const number = wave.number;
    let card = this.cards.get(number);
    if (!card) {
      card = {summary: h(`summary#wave-${number}`), body: h('div'), told: h('div', {'aria-live': 'polite'})};
      card.element = h('details.wave', {'data-wave': number, open: this.#opensAtFirst(wave)}, card.summary, card.told, card.body);
      card.element.addEventListener('toggle', () => { if (card.element.open) this.#body(this.#wave(number)); if (card.element.open) this.again?.(); });
      this.cards.set(number, card);
      this.list.append(card.element);
    } else if (card.state !== wave.state && (wave.state === 'announced' || wave.state === 'frozen')) card.element.open = true;
    card.state = wave.state;
    if (this.#changed(`head-${number}`, wave)) {
      fill(card.summary, h('strong', t('migration.wave', {number})), standing(wave.state), h('span', t('migration.domains', {n: wave.size})),
        wave.deadline && countdown(wave.deadline),
        wave.needs_approval && !wave.approved_by && h('span.tag.warn', t('migration.unapproved')));
    }
    if (card.element.open) this.#body(wave);
  }

  #wave(number) {
    return this.migration.waves.find((each) => each.number === number);
  }

  #body(wave) {
    const {number} = wave;
    const agents = this.#standings(wave);
    const last = this.steps.get(number);
    if (!this.#changed(`body-${number}`, [wave, agents, last, wave.deadline && isOver(wave.deadline)])) return;
    const steps = stepsOf(this, wave);
    const next = h('div', h('h3', t('migration.next')), h('p', this.#hint(wave, agents)),
      h('div.row', steps.map((each) => button(each.title, each.press, {kind: each.kind, id: `wave-${number}-${each.id}`}))), this.#approval(wave), last && lastStep(wave, last),
      h('div.row', button(t('migration.showdomains'), () => this.chosen(number), {kind: 'small', id: `wave-${number}-domains`}),
        ['rolled_back', 'cancelled'].includes(wave.state) && this.may('planMigration')
          && link(address('#/migrations/new', {again: this.id, wave: number}), t('migration.again'))));
    fill(this.cards.get(number).body, stages(wave, this.migration), h('div.columns', next, h('div', h('h3', t('migration.agents')), standingsOf(agents))));
  }

  #approval(wave) {
    if (wave.approved_by) return h('p.small', t('migration.approved', {name: wave.approved_by.name, time: dateTime(wave.approved_at)}));
    if (!wave.needs_approval) return null;
    const isOwn = this.me.token === this.migration.created_by.token;
    return notice('warn', t(isOwn ? 'migration.approval.own' : 'migration.approval', {name: this.migration.created_by.name}));
  }

  #hint(wave, agents) {
    const isFreezing = this.migration.freeze !== 'none';
    if (wave.state === 'planned') return t(isFreezing ? 'migration.hint.planned' : 'migration.hint.direct');
    if (wave.state === 'announced') return t(agents.missing === 0 ? 'migration.hint.informed' : 'migration.hint.announced');
    if (wave.state === 'frozen') {
      if (isOver(wave.deadline)) return t('migration.hint.overdue');
      return t(agents.missing === 0 ? 'migration.hint.frozen' : 'migration.hint.freezing', {from: this.migration.from, to: this.migration.to});
    }
    return t(`migration.hint.${wave.state}`, {from: this.migration.from, to: this.migration.to});
  }

  // How far each agent is with a wave: {list: [{name, word, tone, at}], missing}
  #standings(wave) {
    const safety = this.safety.get(wave.number);
    if (safety) {
      // Before the freeze it's the announcement that counts.
      const list = safety.agents.map((each) => ({name: each.name, word: `agent.${each.state}`, tone: SAFE[each.state], at: each.since}));
      return {list, missing: safety.agents.filter((each) => each.state === 'unsafe').length, kind: wave.state === 'announced' ? 'announced' : 'safety'};
    }
    if (!wave.revision) {
      const list = this.agents.map((each) => ({name: each.name, at: each.last_seen, n: each.lag, ...(each.lagging ? LAGGING : each.lag > 0 ? BEHIND : CURRENT)}));
      return {list, missing: list.filter((each) => each.tone !== 'good').length, kind: 'current'};
    }
    const convergence = this.convergence.get(wave.number);
    const lagging = new Set(convergence?.lagging);
    const list = this.agents.map((each) => {
      const has = convergence ? !lagging.has(each.name) : each.revision >= wave.revision && !each.lagging;
      return {name: each.name, at: each.last_seen, n: Math.max(0, wave.revision - each.revision), ...(has ? HAS : each.lagging ? LAGGING : MISSING)};
    });
    if (lagging.has('*')) list.push({name: '*', ...LAGGING});
    return {list, missing: list.filter((each) => each.tone !== 'good').length, kind: 'step'};
  }

  agentsOf(number) {
    return standingsOf(this.#standings(this.#wave(number)));
  }
}

const SAFE = {applied: 'good', fenced: 'good', informed: 'good', unsafe: 'bad'};
const LAGGING = {word: 'agent.lagging', tone: 'bad'};
const BEHIND = {word: 'agent.behind', tone: 'warn'};
const CURRENT = {word: 'agent.current', tone: 'good'};
const HAS = {word: 'agent.has', tone: 'good'};
const MISSING = {word: 'agent.missing', tone: 'warn'};

async function orNothing(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.status < 500 && error.status !== 401) return null;
    throw error;
  }
}

function standingsOf({list, missing, kind}) {
  if (list.length === 0) return h('p.empty', t('agent.none'));
  return h('div', h('p', missing === 0 ? t(`agent.all.${kind}`, {n: list.length}) : t(`agent.some.${kind}`, {n: missing, all: list.length})),
    h('ul.agents', {tabindex: list.length > 4 ? 0 : undefined, 'aria-label': t('migration.agents')}, list.map((each) => h('li', h('strong', each.name), h(`span.tag.${each.tone}`, t(each.word, {n: each.n ?? 0})),
      each.at && h('span.muted', since(each.at))))));
}

function lastStep(wave, item) {
  return h('p.small', standing(wave.state), ' ', since(item.at), ' ', t('migration.by', {name: item.actor.name}),
    item.reason && h('span', ` · ${item.reason}`), item.ticket && h('span', ` · ${item.ticket}`),
    item.override_reason && h('span', ` · ${t('migration.overridden', {reason: item.override_reason})}`));
}

// Where the wave is on its way. Copying and baking are people's: the registry knows nothing of them but between which steps they are.
function stages(wave, migration) {
  const isFreezing = migration.freeze !== 'none';
  // A wave may be frozen without having been announced, and of one that has moved nobody knows any more.
  const isAnnounced = isFreezing && (wave.announced_revision || wave.state === 'planned');
  const names = ['plan', isAnnounced && 'announce', isFreezing && 'freeze', isFreezing && 'copy', 'cutover', 'bake', 'finalize'].filter(Boolean);
  const at = {planned: 'plan', announced: 'announce', frozen: 'copy', moved: 'bake', finalized: 'finalize'}[wave.state];
  if (!at) return null;
  const current = names.indexOf(at);
  return h('ol.steps', {'aria-label': t('migration.stages')}, names.map((each, index) =>
    h('li', {class: index < current || at === 'finalize' ? 'past' : null, 'aria-current': index === current && at !== 'finalize' && 'step'}, t(`stage.${each}`))));
}

function summaryOf(migration) {
  const {counts} = migration;
  return [
    migration.waves.length > 0 && h('div', progress(migration)),
    facts([
      [t('migration.way'), h('span.row', location(migration.from), '→', location(migration.to))], [t('migration.freeze'), t(`freeze.${migration.freeze}`)],
      [t('migration.tenants'), t(migration.whole_tenants ? 'migration.tenants.whole' : 'migration.tenants.single')],
      [t('migration.counts'), t('migration.counts.words', {eligible: counts.eligible, skipped: counts.skipped})],
      [t('migration.planned'), h('span', moment(migration.created_at), ' ', t('migration.by', {name: migration.created_by.name}))],
      [t('migration.id'), h('code', migration.id)],
    ]),
    (migration.reason || migration.ticket) && facts([[t('reason'), migration.reason], [t('ticket'), migration.ticket]]),
  ];
}

// MARK: The domains of the waves

// A name that the plan skipped may be there twice: as the wave's, and as what came again.
const rowOf = ({fqdn, wave, code}) => `${fqdn} ${wave ?? code}`;

class Domains {
  #place = h('div');
  #count = h('span.muted');
  #rows = new Map();
  #loaded = 0;
  #states = '';

  constructor(board, query) {
    this.board = board;
    const waves = board.migration.waves.map((wave) => String(wave.number));
    this.wave = select([['', t('migration.filter.all')], ...waves.map((each) => [each, t('migration.wave', {number: Number(each)})])],
      waves.includes(query.get('wave')) ? query.get('wave') : '', {id: 'filter-wave', onchange: () => this.#show()});
    this.status = select([['', t('migration.filter.any')], ...STATUSES.map((each) => [each, t(`state.${each}`)])],
      STATUSES.includes(query.get('status')) ? query.get('status') : '', {id: 'filter-status', onchange: () => this.#show()});
    this.element = h('section.card', {'aria-labelledby': 'domains-title'}, h('h2#domains-title', {tabindex: -1}, t('domains')),
      h('div.filters.start', field(t('migration.wave.title'), this.wave), field(t('migration.status'), this.status)), this.#place);
    this.#states = this.#now();
    this.#show();
  }

  choose(wave) {
    this.wave.value = String(wave);
    this.status.value = '';
    this.#show();
    const title = this.element.querySelector('h2');
    title.focus({preventScroll: true});
    title.scrollIntoView({block: 'start'});
  }

  #query(limit, cursor) {
    return get(path`/v1/migrations/${this.board.id}/domains`, {wave: this.wave.value, status: this.status.value, limit, cursor}, this.board.signal);
  }

  #show() {
    history.replaceState(null, '', address(`#/migrations/${encodeURIComponent(this.board.id)}`, {wave: this.wave.value, status: this.status.value}));
    const rows = this.#rows = new Map();
    this.#loaded = 0;
    const status = (each) => h('span', standing(each.status), ' ', each.code && (has(`skip.${each.code}`) ? t(`skip.${each.code}`) : each.code));
    const columns = [
      {title: t('name'), cell: (each) => name(each.fqdn)}, {title: t('migration.wave.title'), cell: (each) => each.wave ? number(each.wave) : '–'},
      {title: t('migration.status'), cell: (each) => { const made = status(each); rows.set(rowOf(each), {made, was: each.status}); return made; }},
    ];
    const {element} = endlessTable(t('domains'), columns, async (cursor) => {
      const page = await this.#query(PAGE, cursor);
      this.#loaded += page.items.length;
      return page;
    }, {signal: this.board.signal, empty: t('migration.nodomains')});
    fill(this.#place, element);
  }

  #now() {
    return JSON.stringify(this.board.migration.waves.map((wave) => [wave.state, wave.revision]));
  }

  // What has happened to a wave has happened to its domains: rows that are there say so, and stay where they are.
  async renew() {
    const now = this.#now();
    if (now === this.#states) return;
    const rows = this.#rows;
    let left = this.#loaded;
    let cursor;
    if (this.status.value) this.#show();
    else while (left > 0) {
      const page = await this.#query(Math.min(left, MOST), cursor);
      for (const each of page.items) {
        const row = rows.get(rowOf(each));
        if (!row || row.was === each.status) continue;
        row.was = each.status;
        fill(row.made, standing(each.status));
      }
      cursor = page.next_cursor;
      left = cursor ? left - page.items.length : 0;
    }
    this.#states = now;
  }
}
