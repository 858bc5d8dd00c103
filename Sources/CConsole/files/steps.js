// The steps of a wave. Each asks first: what it will do, how far every agent is, and what may refuse it; what refuses it is then shown row by
// row, with what can be done about it from there.
import {newKey, path, write} from './api.js';
import {fill, h} from './dom.js';
import {add, dateTime, t} from './i18n.js';
import {ask, checkbox, errorNotice, field, input, link, location, mode, name, notice, noteFields, table, toast} from './ui.js';
import {isOver} from './waves.js';
import texts from './texts/steps.js';

add(texts);

// Above so many domains the number has to be typed.
const LARGE = 100;
const WAIT_SECONDS = 30;
const FREEZE_MINUTES = 30;
const MOST_MINUTES = 7 * 24 * 60;

// What may be done with a wave now, by who is there: [{id, title, kind, press}]. The first one is what usually comes next.
export function stepsOf(board, wave) {
  const {migration, may, me} = board;
  const isFreezing = migration.freeze !== 'none';
  const awaitsApproval = wave.needs_approval && !wave.approved_by;
  const made = [];
  const offer = (id, operation, kind = '') => {
    if (may(operation)) made.push({id, title: t(`step.${id}`), kind, press: () => STEPS[id](board, wave)});
  };
  const isWaiting = wave.state === 'planned' || wave.state === 'announced';
  if (isWaiting && !wave.approved_by && me.token !== migration.created_by.token) offer('approve', 'approveWave', awaitsApproval ? 'primary' : '');
  if (wave.state === 'planned' && !awaitsApproval) {
    if (isFreezing) {
      offer('announce', 'announceWave', 'primary');
      offer('freeze', 'freezeWave');
    } else offer('cutover', 'cutOverWave', 'primary');
  }
  if (wave.state === 'announced') {
    if (!awaitsApproval) offer('freeze', 'freezeWave', 'primary');
    offer('withdraw', 'thawWave');
  }
  if (wave.state === 'frozen') {
    if (!isOver(wave.deadline)) offer('cutover', 'cutOverWave', 'primary');
    offer('thaw', 'thawWave');
  }
  if (wave.state === 'moved') offer('rollback', 'rollBackWave');
  return made;
}

const STEPS = {
  approve: (board, wave) => step(board, wave, 'approve', {
    send: {plan_digest: board.migration.plan_digest},
    describe: [h('p', t('step.approve.words', words(board, wave))), h('p', t('step.digest')), h('p.mono', board.migration.plan_digest)],
  }),

  announce: (board, wave) => step(board, wave, 'announce', {
    send: agreement(board, wave), waits: 'converged', describe: h('p', t('step.announce.words', words(board, wave))),
  }),

  freeze: (board, wave) => {
    const minutes = input({type: 'number', name: 'minutes', min: 1, max: MOST_MINUTES, step: 1, value: FREEZE_MINUTES, required: true, inputmode: 'numeric'});
    const end = h('p.hint', {'aria-live': 'polite'});
    const look = () => fill(end, minutes.validity.valid && minutes.value ? t('step.freeze.end', {time: dateTime(Date.now() + minutes.value * 60_000)}) : '');
    minutes.addEventListener('input', look);
    look();
    return step(board, wave, 'freeze', {
      send: () => ({...agreement(board, wave), deadline_seconds: Math.round(minutes.value * 60)}), guarded: true,
      waits: wave.announced_revision ? 'safe' : 'converged',
      describe: h('p', t('step.freeze.words', words(board, wave)), ' ', wave.announced_revision ? t('step.freeze.announced') : t('step.freeze.unannounced')),
      controls: [field(t('step.freeze.minutes'), minutes, t('step.freeze.minutes.hint')), end],
    });
  },

  cutover: (board, wave) => {
    const required = wave.state === 'frozen' ? wave.announced_revision ? 'safe' : 'converged' : undefined;
    const needs = required && checkbox(t(`step.require.${required}`), {checked: true, name: 'require'});
    return step(board, wave, 'cutover', {
      send: agreement(board, wave), guarded: true, waits: 'converged', query: () => ({require: needs?.box.checked ? required : undefined}),
      describe: [h('p', t('step.cutover.words', words(board, wave))), wave.state === 'frozen' && h('p', t('step.cutover.copied'))],
      controls: needs ? [needs.element] : [],
    });
  },

  thaw: (board, wave) => step(board, wave, 'thaw', {describe: h('p', t('step.thaw.words', words(board, wave)))}),

  withdraw: (board, wave) => step(board, wave, 'withdraw', {describe: h('p', t('step.withdraw.words', words(board, wave)))}),

  rollback: (board, wave) => {
    // It's offered once somebody has seen which ones.
    const skip = checkbox(t('step.rollback.skip'), {name: 'skip'});
    skip.element.hidden = true;
    return step(board, wave, 'rollback', {
      send: () => ({on_conflict: skip.box.checked ? 'skip' : 'fail'}), waits: 'converged', tone: 'bad', last: [skip.element],
      describe: [h('p', t('step.rollback.words', words(board, wave))), h('p', t('step.rollback.again'))],
      refused: (error) => { if (error.code === 'wave-conflict') skip.element.hidden = false; },
    });
  },
};

const PATHS = {withdraw: 'thaw'};
const OPERATIONS_PAST = {announce: 'announced', freeze: 'frozen', cutover: 'moved', rollback: 'rolled_back', thaw: 'thawed', withdraw: 'thawed'};

function words({migration}, wave) {
  return {wave: wave.number, n: wave.size, from: migration.from, to: migration.to, mode: t(`freeze.${migration.freeze}`)};
}

function agreement({migration}, wave) {
  return {plan_digest: migration.plan_digest, expected_count: wave.size};
}

// Asks, sends and says how it went. `waits`: what the answer waits for, of agents; `guarded`: whether an admin may set the guard aside.
async function step(board, wave, id, {send = {}, query = () => ({}), describe, controls = [], last = [], waits, guarded, tone, refused = () => {}}) {
  const key = newKey();
  const note = noteFields();
  const wait = waits && input({type: 'number', name: 'wait', min: 0, max: 300, step: 1, value: WAIT_SECONDS, required: true, inputmode: 'numeric'});
  const guard = guarded && board.overrides('override') ? overrideFields() : null;
  const waiting = h('p.muted', {role: 'status'});
  const agents = h('div', board.agentsOf(wave.number));
  const stop = board.whenFresh(() => fill(agents, board.agentsOf(wave.number)));
  const isTyped = wave.size > LARGE && id !== 'approve';
  const given = await ask({
    title: t(`step.${id}.title`, {wave: wave.number}), button: t(`step.${id}`), tone, confirm: isTyped ? String(wave.size) : undefined,
    describe: [describe, h('h3', t('step.agents')), agents],
    controls: [...controls, ...note.elements, wait && field(t('step.wait'), wait, t(`step.wait.${waits}`)), guard?.element, ...last, waiting].filter(Boolean),
    act: async () => {
      const seconds = wait ? Number(wait.value) : 0;
      if (seconds > 0) fill(waiting, t('step.waiting', {n: seconds}));
      try {
        return await write('POST', path`/v1/migrations/${board.migration.id}/waves/${wave.number}/` + (PATHS[id] ?? id),
          {...(typeof send === 'function' ? send() : send), ...note.values(), ...guard?.values()},
          {key, query: {...query(), ...(seconds > 0 && {wait: waits, timeout: seconds})}});
      } finally {
        fill(waiting);
        board.again();
      }
    },
    explain: (error) => {
      if (error.code === 'blast-radius') guard?.show();
      refused(error);
      return explained(error, guard);
    },
  });
  stop();
  if (given) told(board, wave, id, given.body);
}

// Setting the guard aside has a reason of its own; it's offered once the guard has refused.
function overrideFields() {
  const set = checkbox(t('step.override'), {name: 'override', onchange: () => { why.required = set.box.checked; }});
  const why = input({name: 'override-reason', maxlength: 500});
  const element = h('div.notice.warn', {hidden: true}, set.element, field(t('step.override.reason'), why));
  return {
    element, show: () => { element.hidden = false; },
    values: () => (set.box.checked ? {override: {reason: why.value.trim()}} : {}),
  };
}

function explained(error, guard) {
  const body = error.body ?? {};
  const shown = [errorNotice(error)];
  if (body.conflicts) shown.push(conflictTable(body.conflicts, body.conflict_count));
  if (body.lagging?.length) shown.push(h('p', t('step.lagging', {names: body.lagging.join(', ')}), ' ', link('#/agents', t('page.agents'))));
  if (error.code === 'blast-radius') shown.push(h('p', t(guard ? 'step.override.offer' : 'step.override.admin')));
  return h('div', shown);
}

// MARK: What stands in the way

const placement = (value, absent) => (value ? h('span.row', location(value.location), mode(value.mode)) : h('span.muted', absent));

export function conflictTable(conflicts, count = conflicts.length) {
  return h('div.conflicts',
    h('h3', t('step.conflicts', {n: count})),
    count > conflicts.length && h('p.muted', t('step.conflicts.first', {n: conflicts.length})),
    table(t('step.conflicts', {n: count}), [
      {title: t('name'), cell: (each) => name(each.fqdn)},
      {title: t('step.expected'), cell: (each) => placement(each.expected, t('step.expected.none'))},
      {title: t('step.found'), cell: (each) => placement(each.found, t('step.found.none'))},
      {title: t('why'), cell: (each) => t(`conflict.${each.reason}`)},
    ], conflicts));
}

// MARK: How it went

function told(board, wave, id, body) {
  const n = body[OPERATIONS_PAST[id]];
  toast(`${t(`step.${id}.done`, {wave: wave.number, n: n ?? 0})} ${body.revision ? t('done', {n: body.revision}) : ''}`);
  const missing = body.safety?.unsafe ?? body.convergence?.lagging ?? [];
  const shown = [];
  if (missing.length) shown.push(notice('warn', t(body.safety ? 'step.unsafe' : 'step.missing', {names: missing.join(', ')})));
  else if (body.safety) shown.push(notice('good', t('step.safe', {applied: body.safety.applied, fenced: body.safety.fenced})));
  else if (body.convergence) shown.push(notice('good', t('step.converged', {n: body.convergence.agents})));
  if (body.skipped_count) {
    shown.push(notice('warn', t('step.left', {n: body.skipped_count})));
    if (body.conflicts?.length) shown.push(conflictTable(body.conflicts, body.conflict_count));
    shown.push(h('ul.list', body.skipped.map((each) => h('li', name(each.fqdn)))));
  }
  board.tell(wave.number, shown);
}

// MARK: The whole migration

export function finalize(board) {
  const moved = board.migration.waves.filter((wave) => wave.state === 'moved');
  const n = moved.reduce((sum, wave) => sum + wave.size, 0);
  return end(board, 'finalize', {n, waves: moved.length}, typeable(board.migration), t(n ? 'step.finalize.words' : 'step.finalize.none', {n, waves: moved.length}));
}

export function cancel(board) {
  const left = board.migration.waves.filter((wave) => ['planned', 'announced', 'frozen'].includes(wave.state));
  const n = left.reduce((sum, wave) => sum + wave.size, 0);
  return end(board, 'cancel', {n, waves: left.length}, n > LARGE ? String(n) : undefined);
}

// What can't be undone is confirmed by the migration's name, or its id where nobody could type the name as it's shown.
function typeable({id, name: title}) {
  return title === title.trim() && /^[\p{L}\p{N}\p{P}\p{S}]+( [\p{L}\p{N}\p{P}\p{S}]+)*$/u.test(title) ? title : id;
}

async function end(board, id, parameters, confirm, text = t(`step.${id}.words`, parameters)) {
  const key = newKey();
  const note = noteFields();
  const given = await ask({
    title: t(`step.${id}.title`), button: t(`step.${id}`), tone: 'bad', confirm, controls: note.elements,
    describe: h('p', text),
    act: async () => {
      try {
        return await write('POST', path`/v1/migrations/${board.migration.id}/` + id, note.values(), {key});
      } finally {
        board.again();
      }
    },
  });
  if (given) toast(`${t(`step.${id}.done`, {name: board.migration.name})} ${given.revision ? t('done', {n: given.revision}) : ''}`);
}
