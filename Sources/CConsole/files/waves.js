// What the pages of migrations share: how migrations and waves stand, in words, colours and numbers, and what is counted down.
import {h} from './dom.js';
import {add, ago, clock, dateTime, t} from './i18n.js';
import {bar, state} from './ui.js';
import texts from './texts/waves.js';

add(texts);

const TONES = {announced: 'warn', frozen: 'warn', moved: 'good', rolled_back: 'bad', finalized: 'good', running: 'good'};

export function standing(value) {
  return state(value, TONES[value]);
}

export function sizeOf(waves) {
  return waves.reduce((sum, wave) => sum + wave.size, 0);
}

// How far a migration is, drawn and said. What nothing happens to any more counts as over, whichever way it went.
export function progress(migration) {
  const of = (...states) => sizeOf(migration.waves.filter((wave) => states.includes(wave.state)));
  const [size, moved, frozen, back] = [sizeOf(migration.waves), of('moved', 'finalized'), of('frozen'), of('rolled_back', 'cancelled')];
  return [
    bar(migration.name, [
      {name: t('state.moved'), value: moved, tone: 'good'}, {name: t('state.frozen'), value: frozen, tone: 'warn'},
      {name: t('waves.back'), value: back, tone: 'bad'}, {name: t('state.planned'), value: size - moved - frozen - back, tone: 'muted'}]),
    h('p.small.muted', t('waves.progress', {moved, size}), back > 0 && ` · ${t('waves.progress.back', {n: back})}`),
  ];
}

// MARK: Clocks

// What is left until `deadline`, and what has passed since `time`: each goes on by itself while `tick` runs.
export function countdown(deadline) {
  const made = h('span.tag', {role: 'timer', 'data-deadline': deadline, title: dateTime(deadline)});
  showLeft(made);
  return made;
}

export function since(value) {
  return h('time', {datetime: value, title: dateTime(value), 'data-since': value}, ago(value));
}

export function isOver(deadline) {
  return new Date(deadline) <= Date.now();
}

const SOON = 5 * 60;

function showLeft(element) {
  const left = (new Date(element.dataset.deadline) - Date.now()) / 1000;
  element.textContent = left > 0 ? t('waves.left', {left: clock(left)}) : t('waves.over');
  element.classList.toggle('bad', left < SOON);
  element.classList.toggle('warn', left >= SOON);
}

export function tick(signal) {
  const timer = setInterval(() => {
    for (const each of document.querySelectorAll('[data-deadline]')) showLeft(each);
    for (const each of document.querySelectorAll('[data-since]')) each.textContent = ago(each.dataset.since);
  }, 1000);
  signal.addEventListener('abort', () => clearInterval(timer), {once: true});
}
