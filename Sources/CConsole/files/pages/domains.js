// Where is this customer? Search as one types, and a list that goes on as one scrolls.
import {all, get, path} from '../api.js';
import {activate, availability, holdOf, letGo, MODES, register, stateOf} from '../domaindialogs.js';
import {fill, h} from '../dom.js';
import {tenantLink} from '../historyitem.js';
import {add, t} from '../i18n.js';
import {watch} from '../live.js';
import {displayed, normal} from '../names.js';
import {button, endlessTable, errorNotice, field, input, location, mode, moment, name, select, time} from '../ui.js';
import {debounced, remember} from '../pagestate.js';
import texts from '../texts/domains.js';

add(texts);

const TENANTS = 5;

export default async function domains({query, signal, me, may, overrides}) {
  const locations = await all('/v1/locations', {}, signal);
  const text = input({type: 'search', id: 'search', value: query.get('q') ?? query.get('prefix') ?? '', 'aria-describedby': 'search-hint', enterkeyhint: 'search'});
  const place = select([['', t('domains.any')], ...locations.map((each) => [each.name, each.name])], query.get('location') ?? '', {id: 'in-location'});
  const modes = select([['', t('domains.any')], ...MODES.map((each) => [each, t(`mode.${each}`)])], query.get('mode') ?? '', {id: 'in-mode'});
  const tenant = input({id: 'of-tenant', value: query.get('tenant') ?? '', maxlength: 200});
  const suffix = input({id: 'below', value: query.get('suffix') ?? '', maxlength: 255});
  const state = select([['', t('domains.live')], ['held', t('domains.held')]], query.get('state') ?? '', {id: 'in-state'});
  const found = h('div', {'aria-live': 'polite'});
  const owners = h('div');
  const listed = h('div');
  let asked = null;
  let lists = [];

  const filters = () => ({
    state: state.value, location: place.value, mode: state.value ? '' : modes.value, tenant: tenant.value.trim(), suffix: suffix.value.trim(),
  });

  async function search() {
    asked?.abort();
    const run = asked = new AbortController();
    signal.addEventListener('abort', () => run.abort(), {once: true});
    remember('#/domains', {q: text.value.trim(), ...filters()});
    modes.disabled = state.value === 'held';
    await Promise.all([
      showExact(run.signal), showTenants(run.signal), showList(run.signal),
    ]);
  }

  async function showExact(within) {
    const own = normal(text.value);
    try {
      const shown = own ? await exact(own, within) : null;
      if (!within.aborted) fill(found, shown);
    } catch (error) {
      if (!within.aborted) fill(found, errorNotice(error));
    }
  }

  // What the registry makes of what was typed.
  async function exact(own, within) {
    const reading = own !== text.value.trim() && h('p.small.muted', t('domains.read'), ' ', h('code', own));
    try {
      const domain = await stateOf(own, {}, within);
      if (domain) return h('section.card', {'aria-label': t('domains.exact')}, reading, domainLine(domain));
      const hold = await holdOf(own, within);
      if (hold) return h('section.card', {'aria-label': t('domains.exact')}, reading, holdLine(hold));
      if (!may('getAvailability')) return h('section.card', {'aria-label': t('domains.exact')}, reading, h('p.empty', t('error.unknown-domain')));
      const free = await get(path`/v1/domains/${own}/availability`, {}, within);
      return h('section.card', {'aria-label': t('domains.exact')}, reading,
        h('div.heading', h('h2.plain', name(own)), free.available && button(t('domains.register.this'), () => registerNew(own), {id: 'register-this'})), availability(free));
    } catch (error) {
      if (error.code !== 'invalid-fqdn') throw error;
      return h('section.card', {'aria-label': t('domains.exact')}, reading, h('p', t('error.invalid-fqdn'), ' ', error.message));
    }
  }

  function domainLine(domain) {
    return h('div.row', h('h2.plain', name(domain.fqdn)), location(domain.location), mode(domain.mode), domain.tenant !== undefined && tenantLink(domain.tenant));
  }

  function holdLine(hold) {
    return [h('div.row', h('h2.plain', name(hold.fqdn)), h('span.tag.warn', t('domains.isheld')), location(hold.location), hold.tenant !== undefined && h('span', hold.tenant)),
      h('p', t('domains.heldby'), ' ', h('code', hold.holder), ', ', t('domains.until'), ' ', moment(hold.held_until)), holdActions(hold)];
  }

  // The holder and operators may; `allow_split` is what makes an operator.
  function holdActions(hold) {
    if (!may('activateDomain') || !(hold.holder === me.token || may('changeDomain'))) return null;
    return h('div.row', button(t('activate.go'), () => activate(hold).then(again), {kind: 'small', 'aria-label': t('activate.title', {name: displayed(hold.fqdn)})}),
      button(t('letgo.go'), () => letGo(hold).then(again), {kind: 'small', 'aria-label': t('letgo.title', {name: displayed(hold.fqdn)})}));
  }

  async function showTenants(within) {
    const prefix = text.value.trim();
    try {
      if (!prefix) { fill(owners); return; }
      const {items, next_cursor: more} = await get('/v1/tenants', {prefix: prefix.slice(0, 200), limit: TENANTS}, within);
      if (within.aborted) return;
      fill(owners, items.length > 0 && h('section.card', h('h2', t('domains.tenants', {text: prefix})), h('ul.list', items.map((each) => h('li.row',
        tenantLink(each.tenant), h('span.muted', t('domains.count', {n: each.domain_count})), each.places.map((one) => location(one.location)),
        each.split && h('span.tag.warn', t('domains.split'))))), more && h('p.small.muted', t('domains.tenants.more'))));
    } catch (error) {
      // A tenant of this name can't be: nothing to show.
      if (!within.aborted && error.status !== 400) fill(owners, errorNotice(error));
    }
  }

  const columns = () => (state.value ? [
    {title: t('name'), cell: (each) => name(each.fqdn)}, {title: t('location'), cell: (each) => location(each.location)},
    {title: t('tenant'), cell: (each) => each.tenant ?? h('span.muted', '–')},
    {title: t('domains.until'), cell: (each) => time(each.held_until)}, {title: t('domains.heldby'), cell: (each) => h('code', each.holder)},
    may('activateDomain') && {title: t('domains.actions'), cell: holdActions},
  ].filter(Boolean) : [
    {title: t('name'), cell: (each) => name(each.fqdn), kind: 'wide'}, {title: t('location'), cell: (each) => location(each.location)},
    {title: t('mode'), cell: (each) => mode(each.mode)}, {title: t('tenant'), cell: (each) => (each.tenant === undefined ? h('span.muted', '–') : tenantLink(each.tenant))},
    {title: t('domains.changed'), cell: (each) => time(each.changed_at)},
  ]);

  // First the names that begin so; when these are over, those that have it further on.
  async function showList(within) {
    const [prefix, piece] = [prefixOf(text.value), pieceOf(text.value)];
    const kept = filters();
    const rest = h('div');
    const shown = [];
    const page = (wanted, cursor, limit) => get('/v1/domains', {...kept, ...wanted, cursor, limit}, within);
    const table = (heading, empty, load) => {
      const made = endlessTable(heading, columns(), load, {signal: within, empty, key: (each) => each.fqdn, version: (each) => each.revision});
      shown.push(made);
      return h('section.card', h('h2', heading), made.element);
    };
    const showRest = (empty) => {
      if (!piece || rest.childElementCount > 0) return;
      fill(rest, table(t('domains.containing', {text: piece}), empty, async (cursor, limit) => {
        const {items, next_cursor} = await page({contains: piece}, cursor, limit);
        return {items: items.filter((each) => !prefix || !each.fqdn.startsWith(prefix)), next_cursor};
      }));
    };
    try {
      let given = prefix === null ? {items: []} : await page({prefix});
      if (within.aborted) return;
      if (given.items.length === 0 && piece) {
        showRest(t('domains.nothing'));
        fill(listed, rest);
      } else {
        const heading = prefix ? t('domains.beginning', {text: prefix}) : t(state.value ? 'domains.allheld' : 'domains.all');
        const first = table(heading, emptyWords({...kept, prefix}), async (cursor, limit) => {
          const found = (!cursor && !limit && given) || (prefix === null ? {items: []} : await page({prefix}, cursor, limit));
          given = null;
          if (!found.next_cursor) showRest(t('domains.noother'));
          return found;
        });
        fill(listed, first, rest);
      }
      lists = shown;
    } catch (error) {
      if (!within.aborted) fill(listed, errorNotice(error, again));
    }
  }

  function emptyWords(wanted) {
    if (state.value) return t('domains.nonheld');
    return Object.values(wanted).some(Boolean) || wanted.prefix === null ? t('domains.nothing') : t('domains.empty');
  }

  async function registerNew(given) {
    const made = await register({given: given ?? text.value.trim(), locations, overrides});
    if (made) again();
  }

  const again = () => { if (!signal.aborted) search(); };
  const soon = debounced(search, 200, signal);
  text.addEventListener('input', soon);
  for (const each of [tenant, suffix]) each.addEventListener('input', soon);
  for (const each of [place, modes, state]) each.addEventListener('change', search);

  const form = h('form.card', {role: 'search', onsubmit: (event) => { event.preventDefault(); search(); }},
    h('div.field', h('label', {for: 'search'}, t('domains.search')), text, h('p.hint#search-hint', t('domains.hint'))),
    h('div.filters', field(t('location'), place), field(t('mode'), modes), field(t('tenant'), tenant), field(t('domains.suffix'), suffix), field(t('state'), state)));

  watch(signal, async () => { if (lists.length > 0) { for (const each of lists) await each.refresh(); if (normal(text.value) && !found.contains(document.activeElement)) await showExact(asked.signal); } }, {seconds: 30});
  search();
  return [
    h('div.heading', h('h1', t('page.domains')), may('registerDomain') && button(t('domains.register'), () => registerNew(), {kind: 'primary', id: 'register'})),
    form, found, owners, listed,
  ];
}

// A piece of names, of what somebody has typed. - Returns: null where it's none, or in nearly all of them.
function pieceOf(text) {
  const typed = text.trim().toLowerCase();
  const piece = normal(typed) ?? (/^[a-z0-9.-]*$/.test(typed) ? typed : prefixOf(typed)) ?? '';
  return piece.length >= 2 && piece.length <= 253 && !/\.\.|-\.|\.-|[^.]{64}|_/.test(piece) ? piece : null;
}

// How names begin, of what somebody has typed. - Returns: '' for any name; null where none can begin so.
function prefixOf(text) {
  const typed = text.trim();
  if (!typed) return '';
  const own = normal(typed);
  if (own) return own;
  // One label, or one with a dot at its end: a browser knows what it is in ASCII.
  const [, body, dot] = typed.match(/^(.*?)(\.?)$/);
  try {
    const host = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(body) ? body : `http://${body}`).hostname;
    const prefix = /^\d+(\.\d+){3}$/.test(host) ? body.toLowerCase() : host + dot;
    return /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*([a-z0-9]([a-z0-9-]{0,61}[a-z0-9]?)?)?$/.test(prefix) ? prefix : null;
  } catch {
    return null;
  }
}
