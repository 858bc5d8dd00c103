// One domain: where it lives, since when, who did it and why, and what can be done about it.
import {Problem, all, get, pages, path} from '../api.js';
import {activate, availability, change, holdOf, letGo, lookUp, othersOf, register, release, restore, stateOf} from '../domaindialogs.js';
import {fill, h} from '../dom.js';
import {action, actor, differences, tenantLink, when, why} from '../historyitem.js';
import {add, dateTime, number, t} from '../i18n.js';
import {watch} from '../live.js';
import {displayed, normal} from '../names.js';
import {instant, localText, remember, zone} from '../pagestate.js';
import {button, copyButton, errorNotice, facts, field, input, link, loading, location, mode, moment, name, notice, section, time} from '../ui.js';
import texts from '../texts/domain.js';

add(texts);

const SIBLINGS = 10;
const LIFE = 100;

export default async function domain({parameters: [given], query, signal, me, may, overrides}) {
  const fqdn = normal(given) ?? given.toLowerCase();
  const here = `#/domains/${encodeURIComponent(fqdn)}`;
  const places = {now: h('div', loading()), family: h('div'), life: h('div', loading()), then: h('div', {'aria-live': 'polite'})};
  const moment_ = {at: query.get('at') ?? '', revision: query.get('revision') ?? ''};
  let wanted = LIFE;
  let shown = '';

  const look = watch(signal, async () => {
    const [found, locations] = await Promise.all([lookUp(fqdn, signal), all('/v1/locations', {}, signal)]);
    const [hold, tenant, life] = await Promise.all([
      found ? null : holdOf(fqdn, signal),
      found?.domain.tenant === undefined ? null : get(path`/v1/tenants/${found.domain.tenant}`, {limit: SIBLINGS + 1}, signal),
      may('getDomainHistory') ? historyOf(fqdn, wanted, signal) : null,
    ]);
    const free = found || hold || !may('getAvailability') ? null : await get(path`/v1/domains/${fqdn}/availability`, {}, signal);
    const picture = JSON.stringify([found, locations, hold, tenant, life, free]);
    if (picture === shown) return;
    shown = picture;
    const state = {fqdn, ...found, locations, hold, tenant, life, free, others: (tenant?.domains ?? []).filter((each) => each.fqdn !== fqdn).slice(0, SIBLINGS)};
    fill(places.now, now(state));
    fill(places.family, family(state));
    if (life) fill(places.life, timeline(life));
  }, {failed: (error) => { if (!shown) fill(places.now, errorNotice(error, look)); }});

  const after = (dialog) => async () => { if (await dialog() && !signal.aborted) look(); };

  // MARK: Now

  function now(state) {
    if (state.domain) return [alarms(state), whereabouts(state), actions(state)];
    if (state.hold) return held(state);
    return gone(state);
  }

  function alarms({life, tenant}) {
    const wave = frozenBy(life);
    return [
      wave && notice('warn', t('domain.frozen'), ' ', link(`#/migrations/${encodeURIComponent(wave.migration)}`, t('item.wave', wave))),
      tenant?.split && notice('warn', t('domain.split'), ' ', tenantLink(tenant.tenant)),
    ];
  }

  function whereabouts({domain: it, locations}) {
    const home = locations.find((each) => each.name === it.location);
    return facts([
      [t('location'), location(it.location)], [t('mode'), mode(it.mode)],
      [t('tenant'), it.tenant === undefined ? h('span.muted', t('domain.notenant')) : tenantLink(it.tenant)],
      [t('domain.upstream'), home?.upstream && h('code', home.upstream)],
      it.fence && [t('field.fence'), mode(it.fence)],
      [t('domain.registered'), h('span', moment(it.registered_at), ' ', h('span.muted.small', time(it.registered_at)))],
      [t('domain.changed'), h('span', moment(it.changed_at), ' ', h('span.muted.small', time(it.changed_at)))],
      [t('revision'), number(it.revision)],
    ]);
  }

  function actions(state) {
    const {domain: it, tag, tenant, others, locations, life} = state;
    if (!may('changeDomain')) return null;
    const isFrozen = frozenBy(life) !== null;
    const own = displayed(fqdn);
    const open = (more) => after(() => change({domain: it, tag, tenant, others, locations, overrides, ...more}));
    return h('div.row.do',
      !isFrozen && locations.length > 1 && button(t('domain.move'), open({fields: ['location'], title: t('domain.move.title', {name: own}), words: t('domain.move.words'), go: t('domain.move.go')}), {id: 'do-move'}),
      it.mode === 'serve' && button(t('domain.suspend'), open({fields: ['mode'], mode: 'reject', title: t('domain.suspend.title', {name: own}), words: t('domain.suspend.words'), go: t('domain.suspend.go'), tone: 'bad'}), {id: 'do-suspend'}),
      it.mode !== 'serve' && button(t('domain.resume'), open({fields: ['mode'], mode: 'serve', title: t('domain.resume.title', {name: own}), words: t(isFrozen ? 'domain.resume.frozen' : 'domain.resume.words'), go: t('domain.resume.go')}), {id: 'do-resume'}),
      button(t('domain.change'), open({fields: isFrozen ? ['mode', 'tenant'] : ['location', 'mode', 'tenant'], title: t('domain.change.title', {name: own}), words: t('domain.change.words'), go: t('domain.change.go')}), {id: 'do-change'}),
      may('releaseDomain') && !isFrozen && button(t('domain.release'), after(() => release({domain: it, tag, others: (tenant?.domain_count ?? 1) - 1})), {id: 'do-release'}));
  }

  function held({hold}) {
    return [
      notice('warn', t('domain.held')),
      facts([[t('field.held_until'), h('span', moment(hold.held_until), ' ', h('span.muted.small', time(hold.held_until)))], [t('field.holder'), h('code', hold.holder)],
        [t('location'), location(hold.location)], [t('tenant'), hold.tenant === undefined ? h('span.muted', t('domain.notenant')) : tenantLink(hold.tenant)]]),
      may('activateDomain') && (hold.holder === me.token || may('changeDomain')) && h('div.row.do',
        button(t('activate.go'), after(() => activate(hold)), {id: 'do-activate'}), button(t('letgo.go'), after(() => letGo(hold)), {id: 'do-letgo'})),
    ];
  }

  function gone({life, free, locations}) {
    const last = life?.items.find((each) => each.action === 'released');
    return [
      h('p', t(last ? 'domain.released' : 'domain.unknown'), last && [' ', when(last.at)]),
      last && facts([[t('domain.was'), h('div', differences(last.before, null))], [t('why'), h('div', why(last))], [t('who'), actor(last)]]),
      free && availability(free),
      h('div.row.do',
        last && may('restoreDomain') && button(t('restore.go'), after(() => restore({fqdn, was: last.before, overrides})), {id: 'do-restore'}),
        free?.available && may('registerDomain') && button(t('domain.register'), after(() => register({given: fqdn, locations, overrides})), {id: 'do-register'})),
    ];
  }

  // MARK: The tenant's others

  function family({domain: it, tenant, others}) {
    if (!tenant || others.length === 0) return null;
    const elsewhere = othersOf(tenant, it);
    return section(t('domain.others', {n: tenant.domain_count - 1}),
      h('p', tenantLink(tenant.tenant), ' ', [...elsewhere].map(([place, domains]) => [location(place), ' ', number(domains), ' '])),
      h('ul.list', others.map((each) => h('li.row', name(each.fqdn), location(each.location), mode(each.mode)))),
      tenant.domain_count - 1 > others.length && h('p', link(`#/tenants/${encodeURIComponent(tenant.tenant)}`, t('domain.others.all'))));
  }

  // MARK: Its life

  function timeline({items, hasMore}) {
    if (items.length === 0) return h('p.empty', t('domain.nolife'));
    return [
      h('ol.timeline', items.map((item) => h('li', {'data-revision': item.revision},
        h('div.row', action(item), when(item.at), h('span.muted', actor(item)),
          link(`${here}?revision=${item.revision}`, t('domain.revision', {revision: item.revision}))),
        differences(item.before, item.after), why(item)))),
      hasMore && button(t('domain.earlier'), () => { wanted += LIFE; look(); }, {id: 'earlier'}),
    ];
  }

  // MARK: As of

  const at = input({type: 'datetime-local', step: 1, id: 'at', value: moment_.at && !Number.isNaN(Date.parse(moment_.at)) ? localText(moment_.at) : ''});
  const revision = input({type: 'number', min: 1, step: 1, id: 'at-revision', value: moment_.revision});
  at.addEventListener('input', () => { if (at.value) revision.value = ''; });
  revision.addEventListener('input', () => { if (revision.value) at.value = ''; });
  const then = h('section.card#then', h('h2', t('domain.asof')),
    h('form', {onsubmit: (event) => { event.preventDefault(); showThen({at: instant(at.value), revision: revision.value}); }},
      h('div.filters', field(t('domain.asof.time', {zone: zone()}), at), field(t('revision'), revision),
        h('div.field', h('div.row', h('button', {type: 'submit'}, t('domain.asof.show')),
          button(t('domain.asof.now'), () => { at.value = revision.value = ''; showThen({}); }))))),
    places.then);

  async function showThen(chosen) {
    remember(here, chosen);
    if (!chosen.at && !chosen.revision) { fill(places.then); return; }
    try {
      const was = await stateOf(fqdn, chosen, signal);
      const words = chosen.at ? t('domain.asof.at', {time: dateTime(chosen.at)}) : t('domain.asof.revision', {revision: Number(chosen.revision)});
      fill(places.then, h('h3', words), was ? facts([
        [t('location'), location(was.location)], [t('mode'), mode(was.mode)], was.fence && [t('field.fence'), mode(was.fence)],
        [t('tenant'), was.tenant === undefined ? h('span.muted', t('domain.notenant')) : tenantLink(was.tenant)],
        [t('domain.since'), h('span', moment(was.changed_at), ', ', t('domain.revision', {revision: was.revision}))],
      ]) : h('p', t('domain.asof.unknown')));
    } catch (error) {
      if (!signal.aborted) fill(places.then, errorNotice(error));
    }
  }

  if (moment_.at || moment_.revision) showThen(moment_);
  const own = displayed(fqdn);
  return [
    h('div.heading', h('h1', own), h('div.row', own !== fqdn && h('code', fqdn), copyButton(fqdn))),
    h('section.card', {'aria-label': t('domain.now')}, places.now),
    places.family, then,
    may('getDomainHistory') && section(t('domain.life'), places.life),
  ];
}

// - Returns: the newest changes first, so many at most; a name that never was has none.
async function historyOf(fqdn, most, signal) {
  const items = [];
  try {
    for await (const page of pages(path`/v1/domains/${fqdn}/history`, {}, signal)) {
      items.push(...page);
      if (items.length > most) break;
    }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'unknown-domain') throw error;
  }
  return {items: items.slice(0, most), hasMore: items.length > most};
}

// The wave that holds it, by what was done last. - Returns: {migration, wave}; null: none does.
function frozenBy(life) {
  const last = life?.items.find((each) => each.migration || each.action === 'released' || each.action === 'restored' || each.action === 'registered');
  return last?.action === 'frozen' ? {migration: last.migration, wave: last.wave} : null;
}
