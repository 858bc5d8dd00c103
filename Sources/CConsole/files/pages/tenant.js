// A customer: all its domains, and what can be done to them together.
import {Problem, all, get, path, write} from '../api.js';
import {TONES} from '../chart.js';
import {keyed, MODES, nothingToDo, register} from '../domaindialogs.js';
import {fill, h} from '../dom.js';
import {difference} from '../historyitem.js';
import {add, number, t} from '../i18n.js';
import {watch} from '../live.js';
import {ask, bar, button, endlessTable, errorNotice, field, loading, location, mode, name, noteFields, notice, section, select, time, toast} from '../ui.js';
import texts from '../texts/tenant.js';

add(texts);

// Above so many domains the number has to be typed.
const MANY = 100;

export default async function tenant({parameters: [owner], signal, may, overrides}) {
  const now = h('div', loading());
  let shown = '';

  const list = endlessTable(t('domains'), [
    {title: t('name'), cell: (each) => name(each.fqdn), kind: 'wide'}, {title: t('location'), cell: (each) => location(each.location)},
    {title: t('mode'), cell: (each) => mode(each.mode)}, {title: t('tenant.registered'), cell: (each) => time(each.registered_at)},
    {title: t('tenant.changed'), cell: (each) => time(each.changed_at)},
  ], async (cursor, limit) => {
    try {
      const page = await get(path`/v1/tenants/${owner}`, {cursor, limit}, signal);
      return {items: page.domains, next_cursor: page.next_cursor};
    } catch (error) {
      if (error.code === 'unknown-tenant') return {items: []};
      throw error;
    }
  }, {signal, key: (each) => each.fqdn, version: (each) => each.revision, empty: t('tenant.none')});

  const look = watch(signal, async () => {
    const [found, locations] = await Promise.all([whole(owner, signal), all('/v1/locations', {}, signal)]);
    const picture = JSON.stringify([found, locations]);
    if (picture !== shown) fill(now, found ? summary(found, locations) : h('p', t('error.unknown-tenant')));
    shown = picture;
    // Its places say nothing of its domains' modes.
    await list.refresh();
  }, {failed: (error) => { if (!shown) fill(now, errorNotice(error, look)); }});

  function summary(found, locations) {
    return [
      h('p.big', t('tenant.count', {n: found.domain_count})),
      bar(t('tenant.places'), found.places.map((each, index) => ({name: each.location, value: each.domains, tone: TONES[index % TONES.length]}))),
      h('ul.list', found.places.map((each, index) => h('li.row', h(`span.swatch.${TONES[index % TONES.length]}`), location(each.location), h('strong.number', number(each.domains))))),
      found.split ? notice('warn', t('tenant.split')) : null,
      may('changeTenant') && h('div.row.do',
        locations.length > 1 && button(t(found.split ? 'tenant.unite' : 'tenant.move'), () => changeAll(found, locations, 'location'), {id: 'do-move'}),
        button(t('tenant.mode'), () => changeAll(found, locations, 'mode'), {id: 'do-mode'}),
        may('registerDomain') && button(t('tenant.register'), async () => { if (await register({tenant: owner, locations, overrides})) look(); }, {id: 'do-register'})),
    ];
  }

  // MARK: All at once

  async function changeAll(found, locations, what) {
    const chosen = what === 'location'
      ? select(locations.map((each) => [each.name, each.name]), locations.find((each) => each.name !== found.locations[0])?.name)
      : select(MODES.map((each) => [each, t(`mode.${each}`)]), 'reject');
    const note = noteFields();
    const place = h('div.preview', {'aria-live': 'polite'});
    const show = () => fill(place, h('h3', t('write.will')), what === 'location' ? moves(found, chosen.value)
      : h('div.change', t('tenant.all', {n: found.domain_count}), ' → ', mode(chosen.value)));
    chosen.addEventListener('change', show);
    show();
    const key = keyed();
    const done = await ask({
      title: t(what === 'location' ? 'tenant.move.title' : 'tenant.mode.title', {tenant: owner, n: found.domain_count}),
      describe: h('p.muted', t(what === 'location' ? 'tenant.move.words' : 'tenant.mode.words')),
      controls: [field(t(what), chosen), place, ...note.elements], confirm: found.domain_count > MANY ? String(found.domain_count) : undefined,
      button: t(what === 'location' ? 'tenant.move.go' : 'tenant.mode.go'), tone: what === 'mode' ? 'bad' : '',
      act: async () => {
        if (what === 'location' && found.places.every((each) => each.location === chosen.value)) throw nothingToDo();
        // No entity tag is of a tenant. What was shown is compared just before.
        const last = await whole(owner, signal);
        if (JSON.stringify(last?.places) !== JSON.stringify(found.places)) throw new Problem(412, {code: 'revision-mismatch', detail: ''});
        const body = {[what]: chosen.value, ...note.values()};
        return write('PATCH', path`/v1/tenants/${owner}`, body, {key: key(body)});
      },
    });
    if (!done) return;
    toast(t('tenant.done', {n: done.body.changed, revision: number(done.revision)}));
    if (!signal.aborted) look();
  }

  function moves(found, target) {
    return found.places.map((each) => (each.location === target
      ? h('div.change', t('tenant.stay', {n: each.domains}), ' ', location(target))
      : h('div', h('span.number', t('tenant.count', {n: each.domains})), ' ', difference('location', each.location, target))));
  }

  return [h('h1', owner), h('section.card', {'aria-label': t('tenant.places')}, now), section(t('domains'), list.element)];
}

// - Returns: its places and how many domains it has; null where no domain has this tenant.
async function whole(owner, signal) {
  const {items} = await get('/v1/tenants', {prefix: owner, limit: 1}, signal);
  return items[0]?.tenant === owner.trim().normalize('NFC') ? items[0] : null;
}
