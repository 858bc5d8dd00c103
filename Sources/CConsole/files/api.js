// The registry's API, as this page calls it. The token is in sessionStorage and in one header, nowhere else.

const KEPT = 'tenant-registry.token';
// What the registry's paths begin with: nothing, or where a proxy has put it.
const ROOT = new URL('..', import.meta.url).pathname.replace(/\/$/, '');

export const session = {
  get token() { return sessionStorage.getItem(KEPT); },
  set token(value) {
    if (value) sessionStorage.setItem(KEPT, value);
    else sessionStorage.removeItem(KEPT);
  },
};

// What the registry refused, as it said it (RFC 9457).
export class Problem extends Error {
  constructor(status, body, requestID) {
    super(body.detail ?? body.title ?? String(status));
    this.status = status;
    this.code = body.code ?? '';
    this.body = body;
    this.requestID = body.request_id ?? requestID ?? '';
  }
}

// No answer at all.
export class Unreachable extends Error {}

// Whether the registry answers: `connection.addEventListener('change', …)`, `connection.isAway`.
class Connection extends EventTarget {
  isAway = false;
  note(isAway) {
    if (isAway === this.isAway) return;
    this.isAway = isAway;
    this.dispatchEvent(new Event('change'));
  }
}
export const connection = new Connection();

// Told of a token that isn't taken any more: `(problem) => …`
export const refused = {handler: null};

// query: {name: value}; what is undefined or '' is left out.
export function address(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.append(name, value);
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

// A path with its parameters percent-encoded: path`/v1/domains/${name}`
export function path(strings, ...values) {
  return strings.reduce((made, each, index) => made + encodeURIComponent(values[index - 1]) + each);
}

// - Returns: the response, of which nobody has read the body.
// - Throws: `Problem`, `Unreachable`, and `AbortError` where `signal` says so.
// A probe's failure says nothing of whether the registry answers what it's asked for.
export async function request(method, where, {query, body, headers = {}, signal, isProbe = false} = {}) {
  const fields = {Accept: 'application/json', ...headers};
  if (session.token) fields.Authorization = `Bearer ${session.token}`;
  let payload = body;
  if (body !== undefined && !fields['Content-Type']) {
    fields['Content-Type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(ROOT + address(where, query), {
      method, headers: fields, body: payload, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (!isProbe) connection.note(true);
    throw new Unreachable(String(error));
  }
  if (response.ok) {
    connection.note(false);
    return response;
  }
  const problem = await problemOf(response);
  if (!isProbe) connection.note(response.status === 503 || response.status === 502 || response.status === 504);
  if (response.status === 401) refused.handler?.(problem);
  throw problem;
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // Somebody in between has answered.
  }
  return new Problem(response.status, body ?? {}, response.headers.get('X-Request-Id'));
}

// An answer that doesn't come counts as none: a registry that hangs is as far away as one that is down.
const PATIENCE = 60_000;

export async function get(where, query, signal, options) {
  return (await asked(where, query, signal, options)).json();
}

// The same, with the tag that a write may send as `If-Match`.
export async function read(where, query, signal) {
  const response = await asked(where, query, signal);
  return {body: await response.json(), tag: response.headers.get('ETag')};
}

function asked(where, query, signal, options) {
  const patience = AbortSignal.timeout(PATIENCE);
  return request('GET', where, {query, signal: signal ? AbortSignal.any([signal, patience]) : patience, ...options});
}

// A write. It's sent with a key of its own, so that one whose answer was lost can be sent again and is done once:
// `again` is what `write` gave to `keep` before.
export async function write(method, where, body, {query, key = newKey(), headers = {}, signal} = {}) {
  const response = await request(method, where, {
    query, body, signal, headers: {'Idempotency-Key': key, ...headers},
  });
  const text = await response.text();
  return {body: text ? JSON.parse(text) : null, revision: Number(response.headers.get('X-Registry-Revision')?.split('.').at(-1)) || null};
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// All pages of a list, a page at a time: for await (const items of pages('/v1/agents')) …
export async function* pages(where, query = {}, signal) {
  let cursor;
  do {
    const page = await get(where, {...query, cursor}, signal);
    yield page.items;
    cursor = page.next_cursor;
  } while (cursor);
}

export async function all(where, query, signal, most = 10_000) {
  const found = [];
  for await (const items of pages(where, query, signal)) {
    found.push(...items);
    if (found.length >= most) break;
  }
  return found;
}

// Lines of NDJSON as they come.
export async function* lines(response) {
  for await (const line of textLines(response)) if (line) yield JSON.parse(line);
}

async function* textLines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      const parts = (rest + value).split('\n');
      rest = parts.pop();
      yield* parts;
    }
    if (rest) yield rest;
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Server-sent events as they come: {id, event, data}
export async function* events(response) {
  let event = {};
  for await (const line of textLines(response)) {
    if (line === '') {
      if (event.data !== undefined) yield event;
      event = {};
      continue;
    }
    if (line.startsWith(':')) continue;
    const [, name, value] = line.match(/^([^:]*):? ?(.*)$/);
    event[name] = name === 'data' && event.data !== undefined ? `${event.data}\n${value}` : value;
  }
}
