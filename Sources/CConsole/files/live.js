// Follows the feed while somebody looks, and says what has changed: `feed.addEventListener('change', …)` with `detail` as the feed
// has it, `feed.addEventListener('moved', …)` once for all changes of a moment. Pages ask again for what they show.
import {connection, events, get, request, session} from './api.js';

const PAUSES = [500, 1000, 2000, 5000, 10_000];
// However many changes come, a page is asked to look again so often at most, in milliseconds.
const QUIET = 400;
// The feed has a heartbeat every ten seconds. A registry that is silent for so long, in milliseconds, hangs.
const SILENCE = 25_000;

class Feed extends EventTarget {
  epoch = null;
  head = 0;
  #isWanted = false;
  #run = null;
  #told = null;

  // A browser has six connections to a registry, whatever tabs there are: one that nobody looks at holds none.
  constructor() {
    super();
    document.addEventListener('visibilitychange', () => this.#look());
    addEventListener('pagehide', () => this.#pause());
    addEventListener('pageshow', () => this.#look());
  }

  start() {
    this.#isWanted = true;
    this.#pause();
    this.#look();
  }

  stop() {
    this.#isWanted = false;
    this.#pause();
  }

  #look() {
    if (document.hidden) return this.#pause();
    if (!this.#isWanted || this.#run) return;
    this.#run = new AbortController();
    this.#follow(this.#run.signal);
  }

  #pause() {
    this.#run?.abort();
    this.#run = null;
  }

  async #follow(signal) {
    let failures = 0;
    while (!signal.aborted && session.token) {
      const silence = new Silence();
      try {
        if (this.epoch === null) await this.#begin(signal);
        const response = await request('GET', '/v1/changes', {
          query: {after: this.head, epoch: this.epoch}, headers: {Accept: 'text/event-stream'}, signal: AbortSignal.any([signal, silence.signal]),
        });
        for await (const event of events(response)) {
          failures = 0;
          silence.isBroken();
          connection.note(false);
          this.#take(event);
        }
      } catch (error) {
        if (signal.aborted || error.status === 401 || error.status === 403) return;
        if (silence.signal.aborted) connection.note(true);
        // A restored store, or more than the node remembers: begin where it is now.
        if (error.status === 410) this.epoch = null;
        failures += 1;
      } finally {
        silence.end();
      }
      await pause(PAUSES[Math.max(0, Math.min(failures, PAUSES.length) - 1)], signal);
    }
  }

  async #begin(signal) {
    const page = await get('/v1/changes', {after: 0, limit: 1}, signal);
    this.epoch = page.epoch;
    this.head = page.head;
    this.#tell();
  }

  #take(event) {
    if (event.id === undefined || event.data === undefined) return;
    const page = JSON.parse(event.data);
    this.head = Math.max(this.head, page.to ?? 0);
    for (const change of page.changes ?? []) this.dispatchEvent(new CustomEvent('change', {detail: change}));
    if (page.changes?.length || page.to > page.from) this.#tell();
  }

  #tell() {
    this.#told ??= setTimeout(() => {
      this.#told = null;
      this.dispatchEvent(new Event('moved'));
    }, QUIET);
  }
}

export const feed = new Feed();

// Ends what waits for a registry that says nothing.
class Silence {
  #run = new AbortController();
  #timer = null;

  constructor() {
    this.isBroken();
  }

  get signal() {
    return this.#run.signal;
  }

  isBroken() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run.abort(), SILENCE);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, {once: true});
  });
}

// Asks again by itself: at once, whenever something has moved, every `seconds`, and when the registry is back. Errors are `failed`'s.
export function watch(signal, load, {seconds = 10, failed = () => {}} = {}) {
  let isRunning = false;
  let isWanted = false;
  async function run() {
    if (signal.aborted) return;
    if (isRunning) { isWanted = true; return; }
    isRunning = true;
    try {
      await load();
    } catch (error) {
      if (error.name !== 'AbortError' && !signal.aborted) failed(error);
    }
    isRunning = false;
    if (isWanted) { isWanted = false; run(); }
  }
  const options = {signal};
  feed.addEventListener('moved', run, options);
  connection.addEventListener('change', () => { if (!connection.isAway) run(); }, options);
  const timer = setInterval(() => { if (!document.hidden) run(); }, seconds * 1000);
  signal.addEventListener('abort', () => clearInterval(timer), {once: true});
  document.addEventListener('visibilitychange', () => { if (!document.hidden) run(); }, options);
  run();
  return run;
}
