// One comparison of a list with the registry: sends the list from the disk as it is, and keeps what comes back. It goes on while its
// page isn't shown, so that whoever looks at a finding finds the others again.
import {Problem, lines, request, session} from './api.js';
import {csvLine} from './csv.js';

export const KINDS = ['missing', 'elsewhere', 'unknown', 'invalid'];
// Findings that can be looked at here. All are in the file.
export const SHOWN = 50_000;
// Characters of the file that are text yet; the rest is in blobs, which the browser puts on its disk.
const PIECE = 1_048_576;
const HEADER = ['fqdn', 'finding', 'registered', 'location'];

export class Comparison extends EventTarget {
  counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  findings = [];
  state = 'running';
  error = null;
  revision = null;
  began = Date.now();
  ended = null;
  #run = new AbortController();
  #token = session.token;
  #pieces = [];
  #text = `\ufeff${csvLine(HEADER)}`;

  // - list: a Blob. type: of the three that the registry reads.
  constructor(location, list, type, title) {
    super();
    Object.assign(this, {location, title, size: list.size});
    this.#compare(list, type);
  }

  get total() {
    return KINDS.reduce((sum, kind) => sum + this.counts[kind], 0);
  }

  stop() {
    this.#run.abort();
  }

  // The findings as a table for a spreadsheet.
  file() {
    return new Blob([...this.#pieces, this.#text], {type: 'text/csv;charset=utf-8'});
  }

  async #compare(list, type) {
    try {
      const response = await request('POST', '/v1/drift', {
        query: {location: this.location}, body: list, headers: {'Content-Type': type, Accept: 'application/x-ndjson'}, signal: this.#run.signal,
      });
      for await (const line of lines(response)) {
        // Whoever was signed in isn't any more.
        if (session.token !== this.#token) this.stop();
        this.#take(line);
      }
      // A comparison that fails on its way breaks off without its last line.
      if (this.revision === null) throw new Error('broken off');
      this.#end('done');
    } catch (error) {
      this.error = error instanceof Problem ? error : await unreadable(list) ?? error;
      this.#end(error.name === 'AbortError' ? 'stopped' : 'failed');
    }
  }

  #take(line) {
    if (line.summary) {
      this.counts = {...this.counts, ...line.summary};
      this.revision = line.revision;
      return;
    }
    this.counts[line.finding] += 1;
    if (this.findings.length < SHOWN) this.findings.push(line);
    this.#text += csvLine([line.fqdn, line.finding, line.registered ?? '', this.location]);
    if (this.#text.length >= PIECE) {
      this.#pieces.push(new Blob([this.#text]));
      this.#text = '';
    }
    this.dispatchEvent(new Event('finding'));
  }

  #end(state) {
    this.state = state;
    this.ended = Date.now();
    this.dispatchEvent(new Event('finding'));
    this.dispatchEvent(new Event('end'));
  }
}

// Whether the file isn't what it was when it was chosen. - Returns: an error that says so.
async function unreadable(list) {
  try {
    await list.slice(0, 1).arrayBuffer();
    return null;
  } catch {
    return new Problem(0, {code: 'list-changed'});
  }
}

// MARK: What a list is

const TYPES = {text: 'text/plain', csv: 'text/csv', ndjson: 'application/x-ndjson'};
const SAMPLE = 65_536;

export function typeOf(format) {
  return TYPES[format];
}

// Looks at a list's beginning. - Returns: {format: 'text' | 'csv' | 'ndjson', first: its first line} or {fault: why it can't be read}.
export async function recognized(list) {
  const bytes = new Uint8Array(await list.slice(0, SAMPLE).arrayBuffer());
  const starts = (...values) => values.every((value, index) => bytes[index] === value);
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) return {fault: 'utf16'};
  if (starts(0x50, 0x4b) || starts(0x1f, 0x8b) || starts(0x28, 0xb5, 0x2f, 0xfd) || starts(0xd0, 0xcf)) return {fault: 'packed'};
  const first = new TextDecoder().decode(bytes).split('\n').map((line) => line.trim()).find((line) => line) ?? '';
  if (first === '') return {fault: 'empty'};
  if (first.startsWith('{')) return {format: 'ndjson', first};
  const columns = first.split(',').map((each) => each.trim().replace(/^"(.*)"$/, '$1'));
  if (columns.includes('fqdn')) return {format: 'csv', first};
  return {format: 'text', first, isTable: /[,;\t]/.test(first)};
}
