// Builds elements. Whatever comes from the registry becomes text, never markup: there is no way in here for HTML.

const SVG = 'http://www.w3.org/2000/svg';

// h('p.note#id', {onclick, 'aria-label': …}, 'text', element, [more], null)
export function h(selector, ...rest) {
  return build(document.createElement(nameOf(selector)), selector, rest);
}

export function svg(selector, ...rest) {
  return build(document.createElementNS(SVG, nameOf(selector)), selector, rest);
}

function nameOf(selector) {
  return selector.match(/^[a-z0-9-]+/i)?.[0] ?? 'div';
}

function build(element, selector, rest) {
  for (const [, kind, name] of selector.matchAll(/([.#])([\w-]+)/g)) {
    if (kind === '#') element.id = name;
    else element.classList.add(name);
  }
  if (isAttributes(rest[0])) setAttributes(element, rest.shift());
  append(element, rest);
  return element;
}

function isAttributes(value) {
  return value !== null && typeof value === 'object' && !(value instanceof Node) && !Array.isArray(value);
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'selected') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

// Puts something in the place of what is there, and keeps the focus where it was as far as the element has an id or leads somewhere.
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? selectorOf(document.activeElement) : '';
  element.replaceChildren();
  append(element, children);
  if (focused) element.querySelector(focused)?.focus({preventScroll: true});
  return element;
}

// Puts an element in another one's place, with its focus, as `fill` does.
export function replace(old, element) {
  const focused = old.contains(document.activeElement) ? selectorOf(document.activeElement) : '';
  old.replaceWith(element);
  if (focused) element.querySelector(focused)?.focus({preventScroll: true});
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  return element.hasAttribute('href') ? `a[href="${CSS.escape(element.getAttribute('href'))}"]` : '';
}
