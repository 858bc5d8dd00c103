// What history says of one change, in people's words: for a domain's timeline, and for the table of everything.
import {h} from './dom.js';
import {add, ago, dateTime, has, t} from './i18n.js';
import {link, location, mode, moment} from './ui.js';
import texts from './texts/historyitem.js';

add(texts);

export const ACTIONS = ['registered', 'moved', 'announced', 'frozen', 'thawed', 'rolled_back', 'updated', 'released', 'restored',
  'held', 'hold_released', 'hold_expired', 'migration_planned', 'wave_approved', 'migration_finalized', 'migration_cancelled',
  'location_changed', 'token_created', 'token_revoked', 'webhook_changed'];

const TONES = {
  registered: 'good', restored: 'good', moved: 'good', thawed: 'good', frozen: 'warn', announced: 'warn', rolled_back: 'warn',
  released: 'bad', token_revoked: 'bad', migration_cancelled: 'bad',
};
// A domain's fields in this order; others after them.
const ORDER = ['location', 'mode', 'fence', 'tenant', 'held_until', 'holder'];

// A URL's path can't have a part that is `.` or `..`: such a tenant from before has no page, and its domains are listed.
export function tenantLink(tenant) {
  return link(/^\.\.?$/.test(tenant) ? `#/domains?tenant=${tenant}` : `#/tenants/${encodeURIComponent(tenant)}`, tenant);
}

export function action(item) {
  return h(`span.tag.${TONES[item.action] ?? 'muted'}`, has(`action.${item.action}`) ? t(`action.${item.action}`) : item.action);
}

// - Returns: what has changed, a line each; in one line all there is, where there was nothing before, or is nothing after.
export function differences(before, after) {
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort((a, b) => rank(a) - rank(b));
  if (before && after) return fields.filter((field) => !same(before[field], after[field])).map((field) => difference(field, before[field], after[field]));
  return [h('div.states', fields.map((field) => h('span.change', h('span.muted', title(field)), ' ', value(field, (before ?? after)[field]))))];
}

// One field, before → after.
export function difference(field, before, after) {
  return h('div.change', h('span.muted', title(field)), ' ', value(field, before), ' → ', value(field, after));
}

function rank(field) {
  const place = ORDER.indexOf(field);
  return place < 0 ? ORDER.length : place;
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

function title(field) {
  return has(`field.${field}`) ? t(`field.${field}`) : field;
}

export function value(field, content) {
  if (content === undefined || content === null) return h('span.muted', t('field.none'));
  if (field === 'location' || field === 'from' || field === 'to') return location(content);
  if (field === 'mode' || field === 'fence') return mode(content);
  if (field === 'tenant') return tenantLink(content);
  if (field.endsWith('_at') || field.endsWith('_until')) return moment(content);
  if (field === 'role') return t(`role.${content}`);
  if (field === 'freeze' && content !== 'none') return mode(content);
  if (typeof content === 'boolean') return t(content ? 'field.yes' : 'field.no');
  return h('code', typeof content === 'object' ? JSON.stringify(content) : String(content));
}

export function actor(item) {
  return h('span', {title: t('item.token', {id: item.actor.token})}, item.actor.name);
}

// Why, with what it's a part of: the reason, the ticket, the wave, a guard that was set aside.
export function why(item) {
  return [
    item.reason && h('div.reason', item.reason),
    item.ticket && h('div.small', h('span.muted', t('ticket')), ' ', h('span.mono', item.ticket)),
    item.migration && h('div.small', link(`#/migrations/${encodeURIComponent(item.migration)}`,
      item.wave ? t('item.wave', {wave: item.wave, migration: item.migration}) : item.migration)),
    item.override_reason && h('div.small', h('span.tag.bad', t('item.override')), ' ', item.override_reason),
    item.allow_split && h('div.small', h('span.tag.warn', t('item.split'))),
  ];
}

// A moment as it stands in a history: the day and the time, and how long ago that was.
export function when(value) {
  return h('time', {datetime: value, title: ago(value)}, dateTime(value));
}
