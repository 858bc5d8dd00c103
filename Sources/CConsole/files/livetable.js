// A table that asks again by itself. A row stays the element that it is until what it shows has changed, so that the focus, a selection
// and the scroll position stay where they are.
import {h, replace} from './dom.js';
import {AT_ONCE, pause, tableRow} from './ui.js';

// - columns: as `table` has them. key: (item) => text, unlike every other item's.
// - Returns: {element, show}: `await show(items)` puts them in that order.
export function liveTable(caption, columns, {key, empty, row}) {
  const rows = new Map();
  const body = h('tbody');
  const words = h('p.empty', {hidden: true}, empty);
  const scroll = h('div.scroll', {hidden: true}, h('table', h('caption.hidden', caption),
    h('thead', h('tr', columns.map((column) => h('th', {scope: 'col', class: column.kind}, column.title)))), body));

  async function show(items) {
    words.hidden = items.length > 0;
    scroll.hidden = items.length === 0;
    const keys = new Set(items.map(key));
    for (const [each, {element}] of rows) {
      if (keys.has(each)) continue;
      element.remove();
      rows.delete(each);
    }
    for (const [index, item] of items.entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await pause();
      const element = rowOf(item);
      const there = body.children[index] ?? null;
      if (there !== element) body.insertBefore(element, there);
    }
  }

  function rowOf(item) {
    const known = rows.get(key(item));
    const text = JSON.stringify(item);
    if (known?.text === text) return known.element;
    const element = tableRow(columns, item, row);
    if (known) replace(known.element, element);
    rows.set(key(item), {text, element});
    return element;
  }
  return {element: h('div', scroll, words), show};
}
