// The frame: who is there, where in the console they are, and whether the registry answers.
import {Problem, Unreachable, connection, get, refused, session} from './api.js';
import {fill, h} from './dom.js';
import {KEPT, add, ago, dateTime, language, setLanguage, t} from './i18n.js';
import {feed} from './live.js';
import {button, errorNotice, field, input, loading, refreshTimes} from './ui.js';
import common from './texts/common.js';
import problems from './texts/problems.js';

add(problems);
add(common);

// The first one whose pattern fits is shown. `needs` is an operation that the role has to be let in to.
const PAGES = [
  {pattern: /^$/, name: 'overview', needs: 'getStatistics'},
  {pattern: /^domains$/, name: 'domains', needs: 'listDomains'},
  {pattern: /^domains\/([^/]+)$/, name: 'domain', needs: 'getDomain', under: 'domains'},
  {pattern: /^tenants\/([^/]+)$/, name: 'tenant', needs: 'getTenant', under: 'domains'},
  {pattern: /^migrations$/, name: 'migrations', needs: 'listMigrations'},
  {pattern: /^migrations\/new$/, name: 'plan', needs: 'planMigration', under: 'migrations'},
  {pattern: /^migrations\/([^/]+)$/, name: 'migration', needs: 'getMigration', under: 'migrations'},
  {pattern: /^history$/, name: 'history', needs: 'listHistory'},
  {pattern: /^agents$/, name: 'agents', needs: 'listAgents'},
  {pattern: /^locations$/, name: 'locations', needs: 'listLocations'},
  {pattern: /^drift$/, name: 'drift', needs: 'compareLocation'},
  {pattern: /^tokens$/, name: 'tokens', needs: 'listTokens'},
];
const MENU = ['overview', 'domains', 'migrations', 'history', 'agents', 'locations', 'drift', 'tokens'];

// Milliseconds until a registry that didn't answer is asked again who this is.
const RETRY = 3000;
// A token that ends within this many milliseconds is named.
const SOON = 86_400_000;

let me = null;
let shown = null;
// Whether the page that is shown couldn't be; it's tried again when the registry is back.
let isFailed = false;
// Why somebody has to sign in again.
let farewell = null;

document.documentElement.lang = language;

refused.handler = () => {
  if (!me && !session.token) return;
  const words = endOf(me);
  leave(() => errorNotice(new Problem(401, {title: t(words)})));
};

connection.addEventListener('change', () => {
  const line = document.getElementById('away');
  if (line) line.hidden = !connection.isAway;
  if (!connection.isAway && me && isFailed) open();
});

addEventListener('hashchange', () => { if (me) open(); });
addEventListener('storage', (event) => { if (event.key === KEPT && event.newValue) speak(event.newValue); });
setInterval(() => { if (!document.hidden) refreshTimes(); }, 5000);

start();

function start() {
  if (!session.token) return signIn();
  frame(loading());
  return enter();
}

// Asks who this is until it's known; what is shown meanwhile stays.
async function enter() {
  const token = session.token;
  try {
    me = await get('/v1/whoami');
  } catch (error) {
    if (session.token !== token) return;
    const place = document.getElementById('main');
    if (!place.querySelector('.notice')) fill(place, errorNotice(error, enter));
    if (error instanceof Unreachable || error.status === 503) setTimeout(() => { if (!me && session.token === token) enter(); }, RETRY);
    return;
  }
  feed.start();
  open();
}

// MARK: Signing in

function signIn() {
  shown?.abort();
  const token = input({type: 'password', name: 'token', id: 'signin-token', required: true, autocomplete: 'off', autofocus: true});
  const failed = h('div', farewell?.());
  const go = h('button.primary', {type: 'submit'}, t('signin.go'));
  const form = h('form.card.signin', {onsubmit: submit},
    h('h1', t('title')), h('p', t('signin.words')), field(t('signin.token'), token, t('signin.hint')), failed, go);
  async function submit(event) {
    event.preventDefault();
    const typed = token.value.trim().replace(/^Bearer\s+/i, '');
    // What can't stand in a header isn't sent: the browser would say that nothing answers.
    if (!/^[\x21-\x7e]+$/.test(typed)) return fill(failed, errorNotice(new Problem(401, {code: 'unauthenticated'})));
    go.disabled = true;
    session.token = typed;
    farewell = null;
    try {
      me = await get('/v1/whoami');
      feed.start();
      open();
    } catch (error) {
      session.token = null;
      // A token that is refused has brought up a new form, which says so.
      if (!form.isConnected) return;
      fill(failed, errorNotice(error));
      go.disabled = false;
      token.focus();
    }
  }
  fill(document.body, skipLink(), h('header.top', h('span.brand', t('title')), languages()), h('main#main', {tabindex: -1}, form), h('div#toasts', {'aria-live': 'polite'}));
  document.title = `${t('signin.go')} · ${t('title')}`;
  token.focus();
}

// words: why, made anew for each language.
function leave(words = null) {
  session.token = null;
  me = null;
  isFailed = false;
  farewell = words;
  feed.stop();
  signIn();
}

// Why a token isn't taken: the registry doesn't tell a stranger, but somebody who was signed in may know.
function endOf(who) {
  if (!who) return 'error.unauthenticated';
  return who.expires_at && new Date(who.expires_at) <= Date.now() ? 'signin.expired' : 'signin.revoked';
}

// MARK: The frame

function skipLink() {
  return h('a.skip', {href: '#main', onclick: (event) => { event.preventDefault(); document.getElementById('main').focus(); }}, t('skip'));
}

function languages() {
  return h('div.languages', {role: 'group', 'aria-label': t('language')}, [['en', 'English'], ['ja', '日本語']].map(([code, title]) =>
    h('button.small', {type: 'button', id: `language-${code}`, lang: code, 'aria-pressed': String(language === code), onclick: async () => {
      await speak(code);
      document.getElementById(`language-${code}`)?.focus({preventScroll: true});
    }}, title)));
}

// Says everything in another language, also in the other tabs.
function speak(code) {
  setLanguage(code);
  return me ? open() : start();
}

function frame(content, page) {
  const items = MENU.map((name) => PAGES.find((each) => each.name === name)).filter((each) => me?.may.includes(each.needs));
  const place = page?.under ?? page?.name;
  fill(document.body, skipLink(),
    h('header.top', h('a.brand', {href: '#/'}, t('title')),
      h('nav', {'aria-label': t('menu')}, h('ul', items.map((each) => h('li',
        h('a', {href: each.name === 'overview' ? '#/' : `#/${each.name}`, 'aria-current': place === each.name && 'page'},
          t(`page.${each.name}`)))))),
      me && h('div.who', h('span', {title: me.token}, me.name), h('span.tag.muted', t(`role.${me.role}`)), ending(),
        button(t('signout'), () => leave(), {kind: 'small', id: 'signout'})),
      languages()),
    h('div#away.notice.bad', {role: 'alert', hidden: !connection.isAway}, t('away')),
    h('main#main', {tabindex: -1}, content),
    h('div#toasts', {'aria-live': 'polite'}));
}

function ending() {
  if (!me.expires_at || new Date(me.expires_at) - Date.now() > SOON) return null;
  return h('span.tag.warn', {title: dateTime(me.expires_at)}, t('signin.ends', {when: ago(me.expires_at)}));
}

// MARK: Pages

async function open() {
  shown?.abort();
  isFailed = false;
  const run = shown = new AbortController();
  const [route, search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  let parameters;
  const page = PAGES.find((each) => {
    const found = route.match(each.pattern);
    parameters = found?.slice(1).map(decoded);
    return found !== null;
  });
  if (!page) return frame(h('section.card', h('h1', t('nopage')), h('p', h('a', {href: '#/'}, t('page.overview')))));
  if (!me.may.includes(page.needs)) return frame(h('section.card', h('h1', t(`page.${page.name}`)), h('p', t('forbidden', {role: t(`role.${me.role}`)}))), page);
  frame(loading(), page);
  try {
    const module = await pageNamed(page.name);
    if (run.signal.aborted) return;
    const context = {
      parameters, query: new URLSearchParams(search), signal: run.signal, me,
      may: (operation) => me.may.includes(operation), overrides: (rule) => me.overrides.includes(rule), reopen: () => open(),
    };
    const content = await module.default(context);
    if (run.signal.aborted) return;
    fill(document.getElementById('main'), content);
    document.title = `${document.querySelector('h1')?.textContent ?? t(`page.${page.name}`)} · ${t('title')}`;
    document.getElementById('main').focus({preventScroll: true});
    scrollTo(0, 0);
    loadOthers();
  } catch (error) {
    if (run.signal.aborted || error.name === 'AbortError') return;
    if (error.status === 401) return;
    isFailed = error instanceof Unreachable || error.status === 503 || error instanceof TypeError;
    fill(document.getElementById('main'), h('h1', t(`page.${page.name}`)), errorNotice(error, () => open()));
  }
}

// A file that couldn't be loaded isn't asked for again under the same address.
let attempts = 0;
async function pageNamed(name) {
  try {
    return await import(`./pages/${name}.js`);
  } catch {
    attempts += 1;
    return import(`./pages/${name}.js?again=${attempts}`);
  }
}

// The other pages are there before they are opened: also those that are opened while the registry is away.
let areOthersLoaded = false;
function loadOthers() {
  if (areOthersLoaded) return;
  areOthersLoaded = true;
  setTimeout(async () => {
    for (const page of PAGES.filter((each) => me?.may.includes(each.needs))) await import(`./pages/${page.name}.js`).catch(() => {});
  }, 1000);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
