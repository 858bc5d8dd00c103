// What several pages are made of.
import {fill, h, replace, svg} from './dom.js';
import {ago, dateTime, has, number, t} from './i18n.js';
import {displayed} from './names.js';

// MARK: Texts and values

export function link(hash, ...children) {
  return h('a', {href: hash}, ...children);
}

// A name as people write it; what is on the wire stands beside it where that's another text.
export function name(fqdn, {isLink = true} = {}) {
  const shown = displayed(fqdn);
  const element = isLink ? link(`#/domains/${encodeURIComponent(fqdn)}`, shown) : h('span', shown);
  element.classList.add('name');
  if (shown !== fqdn) element.title = fqdn;
  return element;
}

export function location(value) {
  return value === undefined || value === null ? h('span.muted', '–') : h('span.tag.location', value);
}

const MODES = {serve: 'good', read_only: 'warn', reject: 'bad'};

export function mode(value) {
  return h(`span.tag.${MODES[value] ?? 'muted'}`, t(`mode.${value}`));
}

export function state(value, tone) {
  return h(`span.tag.${tone ?? 'muted'}`, has(`state.${value}`) ? t(`state.${value}`) : value);
}

export function time(value) {
  if (!value) return h('span.muted', '–');
  return h('time.ago', {datetime: value, title: dateTime(value)}, ago(value));
}

// Elements that are made or changed without a pause: ten thousand of them must not stop a page that somebody scrolls.
export const AT_ONCE = 250;

export function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}

let isRefreshing = false;

// What was two minutes ago is three minutes ago by now.
export async function refreshTimes() {
  if (isRefreshing) return;
  isRefreshing = true;
  for (const [index, element] of document.querySelectorAll('time.ago').entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await pause();
    const text = ago(element.getAttribute('datetime'));
    if (element.textContent !== text) element.textContent = text;
  }
  isRefreshing = false;
}

export function moment(value) {
  return h('time', {datetime: value, title: value}, dateTime(value));
}

export function count(value) {
  return h('span.number', number(value));
}

// MARK: Pieces

export function section(title, ...children) {
  return h('section.card', h('h2', title), ...children);
}

export function facts(pairs) {
  return h('dl.facts', pairs.filter((pair) => pair && pair[1] !== undefined && pair[1] !== null)
    .map(([term, value]) => h('div', h('dt', term), h('dd', value))));
}

// columns: [{title, cell: (item) => content, kind: 'number' | undefined}]. Narrow windows show a row as a list of terms.
export function table(caption, columns, items, {empty = t('none'), row} = {}) {
  if (items.length === 0) return h('p.empty', empty);
  return h('div.scroll', h('table', h('caption.hidden', caption),
    h('thead', h('tr', columns.map((column) => h('th', {scope: 'col', class: column.kind}, column.title)))),
    h('tbody', items.map((item) => tableRow(columns, item, row)))));
}

export function tableRow(columns, item, row) {
  const made = h('tr', columns.map((column) => h('td', {class: column.kind, 'data-title': column.title}, column.cell(item))));
  row?.(made, item);
  return made;
}

export function notice(tone, ...children) {
  return h(`div.notice.${tone}`, {role: tone === 'bad' ? 'alert' : 'status'}, ...children);
}

// An error in people's words, with what support needs to find it.
export function errorNotice(error, again) {
  const id = error.requestID ?? '';
  const text = wordsOf(error);
  return notice('bad',
    h('p', h('strong', text.title), text.detail ? ` ${text.detail}` : ''),
    ...(error.body?.errors ?? []).map((each) => h('p.mono', `${each.pointer ?? ''} ${each.detail ?? ''}`)),
    id && h('p.small', t('error.request'), ' ', h('code', id), ' ', copyButton(id)),
    again && h('p', button(t('again'), again)));
}

function wordsOf(error) {
  if (error.code === undefined) return {title: t('error.unreachable'), detail: t('error.unreachable.detail')};
  const key = `error.${error.code}`;
  const title = has(key) ? t(key) : error.body?.title ?? t('error.other');
  return {title, detail: error.message === title ? '' : error.message};
}

export function loading() {
  return h('p.loading', {role: 'status'}, t('loading'));
}

export function button(text, press, {kind = '', ...attributes} = {}) {
  return h(`button${kind && `.${kind}`}`, {type: 'button', onclick: press, ...attributes}, text);
}

export function copyButton(text) {
  const made = button(t('copy'), async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t('copied'));
    } catch {
      // A page that wasn't loaded over TLS has no clipboard.
      const field = h('input.copy', {value: text, readonly: true, 'aria-label': t('copy')});
      made.replaceWith(field);
      field.select();
    }
  }, {kind: 'small'});
  return made;
}

export function toast(text, tone = 'good') {
  const place = document.getElementById('toasts');
  const made = h(`p.toast.${tone}`, text);
  place.append(made);
  setTimeout(() => made.remove(), 6000);
}

// MARK: Forms

let fields = 0;

// A control with its name, and what is wrong with it.
export function field(title, control, hint) {
  control.id ||= `field-${fields += 1}`;
  if (hint) control.setAttribute('aria-describedby', `${control.id}-hint`);
  return h('div.field', h('label', {for: control.id}, title), control, hint && h(`p.hint#${control.id}-hint`, hint));
}

export function input(attributes = {}) {
  return h('input', {type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', ...attributes});
}

// options: [[value, text]]
export function select(options, chosen, attributes = {}) {
  return h('select', attributes, options.map(([value, text]) => h('option', {value, selected: value === chosen}, text)));
}

export function checkbox(text, attributes = {}) {
  const box = h('input', {type: 'checkbox', ...attributes});
  return {box, element: h('label.check', box, ' ', text)};
}

// Why, and the ticket: every write has them. `values()` leaves out what is empty.
export function noteFields({isReasonRequired = false} = {}) {
  const reason = input({name: 'reason', maxlength: 500, required: isReasonRequired});
  const ticket = input({name: 'ticket', maxlength: 100});
  return {
    elements: [field(t('reason'), reason, t('reason.hint')), field(t('ticket'), ticket)],
    values: () => ({...(reason.value.trim() && {reason: reason.value.trim()}), ...(ticket.value.trim() && {ticket: ticket.value.trim()})}),
  };
}

// Asks before something is done. `describe` is what will happen; `confirm` must be typed where it's given; `act` does it, and its
// error is shown here, so that nothing that was typed is lost; `explain(error)` may have more to show of it than its words.
//
// - Returns: what `act` gave; null: it wasn't done.
export function ask({title, describe, controls = [], confirm, button: text, tone = '', act, explain}) {
  return new Promise((resolve) => {
    let result = null;
    const failed = h('div');
    const typed = confirm && input({name: 'confirm', required: true, autofocus: true});
    const go = h(`button.primary${tone && `.${tone}`}`, {type: 'submit'}, text);
    const form = h('form', {method: 'dialog', onsubmit: submit},
      h('h2', title), describe, ...controls,
      confirm && field(t('confirm', {text: confirm}), typed), failed,
      h('div.actions', button(t('cancel'), () => dialog.close()), go));
    const dialog = h('dialog', {'aria-label': title, onclose: () => { dialog.remove(); resolve(result); }}, form);
    if (confirm) {
      const look = () => { go.disabled = typed.value.trim() !== confirm.trim(); };
      typed.addEventListener('input', look);
      look();
    }
    async function submit(event) {
      event.preventDefault();
      go.disabled = true;
      fill(failed);
      try {
        result = await act() ?? true;
        dialog.close();
      } catch (error) {
        fill(failed, explain?.(error) ?? errorNotice(error));
        failed.scrollIntoView({block: 'nearest'});
        go.disabled = false;
      }
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}

// MARK: Long lists

// Rows of a body of a table. The browser looks at each frame at what it may leave out, so that it's bodies that are left out where they
// are far outside of the window, and not rows (`content-visibility` in the style sheet).
const CHUNK = 50;

// Rows as they are scrolled to. `load(cursor)` → {items, next_cursor}; nothing is asked for before it's needed.
//
// With `key(item)` and `version(item)` the list can look again: `refresh()` asks for the first rows, as `load(undefined, limit)`, and
// changes, adds and takes away what is otherwise now. A row that is as it was stays the same element, with its focus.
export function endlessTable(caption, columns, load, {empty = t('none'), row, signal, key, version = () => ''} = {}) {
  const table = h('table.endless', h('caption.hidden', caption),
    h('thead', h('tr', columns.map((column) => h('th', {scope: 'col', class: column.kind}, column.title)))));
  const status = h('p.empty', {role: 'status'});
  const sentinel = h('div.sentinel');
  const element = h('div', h('div.scroll', table), status, sentinel);
  const isEmpty = () => !table.querySelector('tbody tr');
  let cursor;
  let isOver = false;
  let isLoading = false;
  async function more() {
    if (isLoading || isOver || signal?.aborted) return;
    isLoading = true;
    fill(status, t('loading'));
    try {
      const page = await load(cursor);
      cursor = page.next_cursor;
      isOver = !cursor;
      append(page.items);
      fill(status, isOver && isEmpty() ? empty : '');
    } catch (error) {
      if (error.name !== 'AbortError') fill(status, errorNotice(error, () => { fill(status); more(); }));
      isLoading = false;
      return;
    }
    isLoading = false;
    // What is still in sight isn't seen to come into it.
    observer.unobserve(sentinel);
    if (!isOver) observer.observe(sentinel);
  }
  function append(items) {
    for (let first = 0; first < items.length; first += CHUNK) table.append(h('tbody', items.slice(first, first + CHUNK).map(made)));
  }
  function lastBody() {
    if (table.tBodies.length === 0) table.append(h('tbody'));
    return table.lastElementChild;
  }
  const known = new Map();
  function made(item) {
    const element = tableRow(columns, item, row);
    if (key) known.set(key(item), {element, version: version(item), name: key(item)});
    return element;
  }
  async function refresh() {
    if (isLoading || (!isOver && cursor === undefined)) return;
    isLoading = true;
    try {
      const page = await load(undefined, Math.min(Math.max(known.size, 100), 1000));
      if (!signal?.aborted) merge(page);
    } finally {
      isLoading = false;
    }
  }
  function merge(page) {
    const wanted = new Set(page.items.map(key));
    const names = [...known.keys()];
    // What follows the last one of this page isn't known anew.
    const through = page.next_cursor ? names.findLastIndex((each) => wanted.has(each)) : names.length - 1;
    for (const each of names.slice(0, through + 1)) {
      if (wanted.has(each)) continue;
      known.get(each).element.remove();
      known.delete(each);
    }
    const after = names.slice(through + 1).map((each) => [each, known.get(each)]);
    for (const [each] of after) known.delete(each);
    let place = table.querySelector('tbody tr');
    for (const item of page.items) {
      const old = known.get(key(item));
      known.delete(key(item));
      if (old && old.version === version(item)) known.set(old.name, old);
      const element = old && old.version === version(item) ? old.element : made(item);
      if (old && old.element !== element) {
        if (place === old.element) place = element;
        replace(old.element, element);
      }
      if (element === place) place = rowAfter(place);
      else if (!old && place) place.before(element);
      else if (!old) lastBody().append(element);
    }
    for (const [each, one] of after) known.set(each, one);
    if (after.length === 0) {
      cursor = page.next_cursor;
      isOver = !cursor;
      if (!isOver) observer.observe(sentinel);
    }
    fill(status, isOver && isEmpty() ? empty : '');
  }
  const observer = new IntersectionObserver((entries) => { if (entries.some((each) => each.isIntersecting)) more(); },
    {rootMargin: '800px'});
  observer.observe(sentinel);
  signal?.addEventListener('abort', () => observer.disconnect(), {once: true});
  return {element, refresh};
}

// The next one, also of the next body that has any.
function rowAfter(row) {
  if (row.nextElementSibling) return row.nextElementSibling;
  for (let body = row.parentElement.nextElementSibling; body; body = body.nextElementSibling) {
    if (body.firstElementChild) return body.firstElementChild;
  }
  return null;
}

// MARK: Drawn

// Parts of a whole, as one bar: [{name, value, tone}]
export function bar(label, parts) {
  const whole = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  let x = 0;
  return svg('svg.bar', {viewBox: '0 0 100 6', preserveAspectRatio: 'none', role: 'img',
    'aria-label': `${label}: ${parts.map((part) => `${part.name} ${number(part.value)}`).join(', ')}`},
  parts.map((part) => {
    const width = part.value / whole * 100;
    const made = svg(`rect.${part.tone}`, {x, y: 0, width, height: 6});
    x += width;
    return made;
  }));
}
