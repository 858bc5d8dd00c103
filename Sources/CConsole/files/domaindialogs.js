// What can be done to a domain, a dialog each: it shows what will be otherwise before anything is written.
import {Problem, get, newKey, path, request, write} from './api.js';
import {fill, h} from './dom.js';
import {add, t} from './i18n.js';
import {difference, differences, tenantLink} from './historyitem.js';
import {ask, checkbox, errorNotice, field, input, link, location, moment, name, noteFields, notice, select, toast} from './ui.js';
import {displayed, normal} from './names.js';
import texts from './texts/domaindialogs.js';

add(texts);

export const MODES = ['serve', 'read_only', 'reject'];
const HOLDS = [['', 'hold.not'], ['900', 'hold.quarter'], ['3600', 'hold.hour'], ['86400', 'hold.day']];
// How long somebody types before the registry is asked, in milliseconds.
const QUIET = 250;

// MARK: Asking

// The domain and its tag; null where nobody has registered the name. `/v1/lookup` is asked first, for there an unknown name is no error.
export async function lookUp(fqdn, signal) {
  const known = await stateOf(fqdn, {}, signal);
  if (!known) return null;
  try {
    const response = await request('GET', path`/v1/domains/${fqdn}`, {signal});
    return {domain: await response.json(), tag: response.headers.get('ETag')};
  } catch (error) {
    if (error.code === 'unknown-domain') return null;
    throw error;
  }
}

// As of a time or a revision, or now. - Returns: null where it wasn't registered.
export async function stateOf(fqdn, query, signal) {
  const response = await request('POST', '/v1/lookup', {query, body: {fqdns: [fqdn]}, signal});
  const [found] = (await response.json()).results;
  return found.code ? null : found;
}

// A tenant with its places; null where no domain has it.
export async function tenantNamed(tenant, signal) {
  if (!tenant) return null;
  const {items} = await get('/v1/tenants', {prefix: tenant, limit: 1}, signal);
  return items[0]?.tenant === tenant.normalize('NFC') ? items[0] : null;
}

// The hold of a name; null where it isn't held.
export async function holdOf(fqdn, signal) {
  const {items} = await get('/v1/domains', {state: 'held', prefix: fqdn, limit: 1}, signal);
  return items[0]?.fqdn === fqdn ? items[0] : null;
}

// Where a tenant's domains are besides this one: {location: count}
export function othersOf(tenant, domain) {
  const places = new Map((tenant?.places ?? []).map((each) => [each.location, each.domains]));
  if (domain && tenant && domain.tenant === tenant.tenant) places.set(domain.location, (places.get(domain.location) ?? 1) - 1);
  return new Map([...places].filter(([, domains]) => domains > 0));
}

// The same request keeps its key, so that one whose answer was lost is done once; another one gets another.
export function keyed() {
  let [last, key] = [null, null];
  return (body) => {
    const text = JSON.stringify(body);
    if (text !== last) [last, key] = [text, newKey()];
    return key;
  };
}

export function nothingToDo() {
  return new Problem(0, {code: 'nothing-to-do', detail: ''});
}

// MARK: Pieces

// What will be otherwise; it's asked for again while somebody types. `look` → elements.
function preview(look) {
  const place = h('div.preview', {'aria-live': 'polite'});
  let asked = 0;
  let timer;
  async function run() {
    const mine = asked += 1;
    try {
      const shown = await look();
      if (mine === asked) fill(place, shown);
    } catch (error) {
      if (mine === asked) fill(place, errorNotice(error));
    }
  }
  const later = () => { clearTimeout(timer); timer = setTimeout(run, QUIET); };
  return {place, run, follow: (...controls) => {
    for (const each of controls.filter(Boolean)) each.addEventListener(each.tagName === 'INPUT' && each.type === 'text' ? 'input' : 'change', later);
  }};
}

// Rules that a role may set aside, each offered once it stands in the way.
function exceptions(overrides, rules) {
  const boxes = rules.filter((rule) => overrides(rule)).map((rule) => ({rule, ...checkbox(t(`write.${rule}`))}));
  for (const {element} of boxes) element.hidden = true;
  const show = (rule) => { for (const each of boxes) if (each.rule === rule) each.element.hidden = false; };
  return {
    boxes: boxes.map((each) => each.box), elements: boxes.map((each) => each.element), show,
    values: () => Object.fromEntries(boxes.filter((each) => each.box.checked && !each.element.hidden).map((each) => [each.rule, true])),
    // An attempt that such a rule has refused.
    watching: async (attempt) => {
      try {
        return await attempt();
      } catch (error) {
        if (error.code === 'name-entangled') show('allow_nested');
        if (error.code === 'tenant-elsewhere' || error.code === 'tenant-split') show('allow_split');
        throw error;
      }
    },
  };
}

function placesText(places) {
  return [...places].map(([place, domains], index) => [index > 0 && ', ', location(place), ' ', t('write.count', {n: domains})]);
}

async function written(done) {
  if (done) toast(t('done', {n: done.revision}));
  return done;
}

function willBe(lines) {
  return [h('h3', t('write.will')), lines.length > 0 ? lines : h('p.muted', t('write.nothing'))];
}

// MARK: Register, hold

// - given: what somebody has typed. - Returns: the new domain's or hold's name; null where nothing was done.
export async function register({given = '', tenant: givenTenant = '', locations, overrides}) {
  const fqdn = input({name: 'fqdn', required: true, value: given, autofocus: true});
  const tenant = input({name: 'tenant', maxlength: 200, value: givenTenant});
  const place = select([['', t('register.automatic')], ...locations.map((each) => [each.name, each.name])], '');
  const hold = select(HOLDS.map(([value, key]) => [value, t(key)]), '');
  const rules = exceptions(overrides, ['allow_nested', 'allow_split']);
  const note = noteFields();
  const canonical = () => normal(fqdn.value);
  const shown = preview(async () => {
    if (!fqdn.value.trim()) return null;
    const own = canonical();
    if (!own) return notice('warn', t('register.noname'));
    const [available, home] = await Promise.all([availabilityFor(own, tenant.value.trim()), tenantNamed(tenant.value.trim())]);
    const places = othersOf(home);
    const standard = locations.find((each) => each.default_for_signups)?.name;
    const target = place.value || (places.size === 1 ? [...places.keys()][0] : standard);
    if (available.code === 'name-entangled') rules.show('allow_nested');
    const isApart = place.value && places.size > 0 && !places.has(place.value);
    if (isApart) rules.show('allow_split');
    return [
      availability(available),
      ...willBe([h('div.change', h('span.muted', t('name')), ' ', name(available.fqdn, {isLink: false})),
        ...differences(null, {location: target, mode: 'serve', ...(tenant.value.trim() && {tenant: tenant.value.trim()})})]),
      !place.value && h('p.small.muted', t(places.size === 1 ? 'register.follows' : 'register.default')),
      hold.value && h('p.small.muted', t('register.held')),
      isApart && notice('warn', t('write.elsewhere'), ' ', placesText(places)),
    ];
  });
  shown.follow(fqdn, tenant, place, hold);
  const key = keyed();
  if (given) shown.run();
  const done = await ask({
    title: t('register.title'), describe: h('p.muted', t('register.words')),
    controls: [field(t('name'), fqdn, t('register.name.hint')), field(t('tenant'), tenant), field(t('location'), place), field(t('register.hold'), hold),
      ...rules.elements, shown.place, ...note.elements],
    button: t('register.go'),
    act: () => rules.watching(async () => {
      const own = canonical();
      if (!own) throw new Problem(400, {code: 'invalid-fqdn', detail: ''});
      const body = {
        fqdn: own, ...(tenant.value.trim() && {tenant: tenant.value.trim()}), ...(place.value && {location: place.value}),
        ...(hold.value && {hold_seconds: Number(hold.value)}), ...rules.values(), ...note.values(),
      };
      return write('POST', '/v1/domains', body, {key: key(body)});
    }),
  });
  await written(done);
  return done?.body.fqdn ?? null;
}

// The registry's answer doesn't know whose name it would be: a tenant's own name above or below isn't in its way.
async function availabilityFor(fqdn, tenant) {
  const found = await get(path`/v1/domains/${fqdn}/availability`);
  if (found.code !== 'name-entangled' || !tenant) return found;
  const other = await stateOf(found.entangled_with, {});
  return other?.tenant === tenant.normalize('NFC') ? {fqdn: found.fqdn, available: true} : found;
}

// What a registration of a name would meet.
export function availability(found) {
  if (found.available) return notice('good', t('available.yes'));
  return notice('warn', t(`available.${found.code}`), found.available_at && [' ', t('available.at'), ' ', moment(found.available_at)],
    found.entangled_with && [' ', name(found.entangled_with)]);
}

export async function activate(hold) {
  const note = noteFields();
  const shown = preview(async () => {
    const places = othersOf(await tenantNamed(hold.tenant));
    const target = places.size === 1 ? [...places.keys()][0] : hold.location;
    return willBe(differences(null, {location: target, mode: hold.mode, tenant: hold.tenant}));
  });
  shown.run();
  const key = keyed();
  return written(await ask({
    title: t('activate.title', {name: displayed(hold.fqdn)}), describe: [h('p', t('activate.words')), shown.place], controls: note.elements,
    button: t('activate.go'),
    act: () => write('POST', path`/v1/domains/${hold.fqdn}/activate`, note.values(), {key: key(note.values())}),
  }));
}

export async function letGo(hold) {
  const note = noteFields();
  const key = keyed();
  return written(await ask({
    title: t('letgo.title', {name: displayed(hold.fqdn)}), describe: [h('p', t('letgo.words'))], controls: note.elements,
    button: t('letgo.go'), tone: 'bad',
    act: () => write('DELETE', path`/v1/domains/${hold.fqdn}`, undefined, {query: note.values(), key: key(note.values())}),
  }));
}

// MARK: Change

// - fields: those that can be set here. others: some of the tenant's other domains, to name them.
export async function change({title, words, domain, tag, tenant, others = [], locations, overrides, fields, mode, go, tone}) {
  const place = fields.includes('location') && select(locations.map((each) => [each.name, each.name]),
    fields.length === 1 ? locations.find((each) => each.name !== domain.location)?.name : domain.location);
  const modes = fields.includes('mode') && select(MODES.filter((each) => each !== domain.mode || fields.length > 1).map((each) => [each, t(`mode.${each}`)]), mode ?? domain.mode);
  const owner = fields.includes('tenant') && input({name: 'tenant', maxlength: 200, value: domain.tenant ?? ''});
  const rules = exceptions(overrides, ['allow_split', 'allow_nested']);
  const note = noteFields();
  const wanted = () => ({
    ...(place && place.value !== domain.location && {location: place.value}),
    ...(modes && modes.value !== domain.mode && {mode: modes.value}),
    ...(owner && owner.value.trim() !== (domain.tenant ?? '') && {tenant: owner.value.trim() || null}),
  });
  const shown = preview(async () => {
    const next = wanted();
    const belongs = 'tenant' in next ? next.tenant : domain.tenant;
    const home = 'tenant' in next ? await tenantNamed(next.tenant) : tenant;
    const places = othersOf(home, domain);
    const target = next.location ?? domain.location;
    const isApart = ('location' in next || 'tenant' in next) && places.size > 0 && !places.has(target);
    if (isApart) rules.show('allow_split');
    return [
      ...willBe(Object.entries(next).map(([field, after]) => difference(field, domain[field], after))),
      'tenant' in next && next.tenant && !home && notice('warn', t('write.newtenant')),
      isApart && notice('warn', h('p', t('write.apart'), ' ', tenantLink(belongs), ': ', placesText(places)),
        belongs === domain.tenant && others.length > 0 && h('p.small', others.map((each, index) => [index > 0 && ', ', name(each.fqdn, {isLink: false})])),
        h('p', t(overrides('allow_split') ? 'write.apart.may' : 'write.apart.maynot'))),
    ];
  });
  shown.follow(place, modes, owner);
  shown.run();
  const key = keyed();
  return written(await ask({
    title, describe: h('p.muted', words),
    controls: [place && field(t('location'), place), modes && field(t('mode'), modes, t('write.mode.hint')), owner && field(t('tenant'), owner, t('write.tenant.hint')),
      shown.place, ...rules.elements, ...note.elements],
    button: go, tone,
    act: () => rules.watching(async () => {
      if (Object.keys(wanted()).length === 0) throw nothingToDo();
      const body = {...wanted(), ...rules.values(), ...note.values()};
      return write('PATCH', path`/v1/domains/${domain.fqdn}`, body, {key: key(body), headers: {'If-Match': tag}});
    }),
  }));
}

// MARK: Release, restore

export async function release({domain, tag, others}) {
  const note = noteFields();
  const key = keyed();
  return written(await ask({
    title: t('release.title', {name: displayed(domain.fqdn)}),
    describe: [h('p', t('release.words')), ...willBe([h('div.change', h('span.muted', t('state')), ' ', t('release.live'), ' → ', t('release.quarantine'))]),
      others > 0 && h('p', t('release.others', {n: others}))],
    controls: note.elements, confirm: displayed(domain.fqdn), button: t('release.go'), tone: 'bad',
    act: () => write('DELETE', path`/v1/domains/${domain.fqdn}`, undefined, {query: note.values(), key: key(note.values()), headers: {'If-Match': tag}}),
  }));
}

// - was: the domain as it was when it was released.
export async function restore({fqdn, was, overrides}) {
  const rules = exceptions(overrides, ['allow_split', 'allow_nested']);
  const note = noteFields();
  const shown = preview(async () => {
    const places = othersOf(await tenantNamed(was.tenant));
    const isElsewhere = places.size > 0 && !places.has(was.location);
    if (isElsewhere) rules.show('allow_split');
    const staysAsItWas = !isElsewhere || rules.values().allow_split;
    const target = staysAsItWas ? was.location : places.size === 1 ? [...places.keys()][0] : t('restore.tenants');
    return [...willBe(differences(null, {...was, location: target})), isElsewhere && notice('warn', t('restore.elsewhere'), ' ', placesText(places))];
  });
  for (const each of rules.boxes) each.addEventListener('change', shown.run);
  shown.run();
  const key = keyed();
  return written(await ask({
    title: t('restore.title', {name: displayed(fqdn)}), describe: h('p', t('restore.words')), controls: [shown.place, ...rules.elements, ...note.elements],
    button: t('restore.go'),
    act: () => rules.watching(() => {
      const body = {...rules.values(), ...note.values()};
      return write('POST', path`/v1/domains/${fqdn}/restore`, body, {key: key(body)});
    }),
  }));
}
