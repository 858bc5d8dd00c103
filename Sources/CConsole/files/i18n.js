// Two languages. Each page brings its own texts: {en: {key: text}, ja: {key: text}}; `{name}` stands for a parameter.
// English counts: `key.one` is taken where `n` is 1 and there is such a text.

const texts = {en: {}, ja: {}};
export const KEPT = 'tenant-registry.language';

export let language = initial();

function initial() {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'en' || kept === 'ja') return kept;
  return navigator.languages.find((each) => /^(en|ja)\b/.test(each))?.slice(0, 2) ?? 'en';
}

export function setLanguage(name) {
  language = name;
  localStorage.setItem(KEPT, name);
  document.documentElement.lang = name;
}

export function add(more) {
  for (const name of ['en', 'ja']) Object.assign(texts[name], more[name]);
}

export function t(key, parameters = {}) {
  const own = texts[language];
  const text = (parameters.n === 1 ? own[`${key}.one`] : undefined) ?? own[key] ?? texts.en[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : String(value);
  });
}

export function has(key) {
  return key in texts.en;
}

export function number(value) {
  return new Intl.NumberFormat(language).format(value);
}

export function percent(value) {
  return new Intl.NumberFormat(language, {style: 'percent', maximumFractionDigits: 1}).format(value);
}

// A moment in this browser's zone, with the zone: people who move customers sit in more than one.
export function dateTime(value) {
  return new Intl.DateTimeFormat(language, {dateStyle: 'medium', timeStyle: 'medium'}).format(new Date(value));
}

export function date(value) {
  return new Intl.DateTimeFormat(language, {dateStyle: 'medium'}).format(new Date(value));
}

// "3 minutes ago", "in 2 hours"
export function ago(value, now = Date.now()) {
  const seconds = (new Date(value).getTime() - now) / 1000;
  const steps = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const [unit, size] = steps.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, {numeric: 'auto'}).format(Math.round(seconds / size), unit);
}

// Of what is left, as a clock: 1:02:03
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
