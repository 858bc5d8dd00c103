// Access tokens: who has one, what it lets in to, when it was used last; made here and shown once, and revoked.
import {all, newKey, path, write} from '../api.js';
import {fill, h} from '../dom.js';
import {add, dateTime, t} from '../i18n.js';
import {watch} from '../live.js';
import {liveTable} from '../livetable.js';
import {ask, button, copyButton, errorNotice, facts, field, input, moment, noteFields, notice, section, select, time, toast} from '../ui.js';
import texts from '../texts/tokens.js';

add(texts);

const ROLES = ['reader', 'registrar', 'auditor', 'operator', 'admin'];
const DAY = 86_400_000;
// Expiry that is so near is named.
const SOON = 14 * DAY;
const SPANS = [7, 30, 90, 365];
// A token that was just made, as long as it's shown: in memory alone, and gone when somebody else signs in. A page that is drawn again,
// in the other language for instance, shows it again.
const secrets = new WeakMap();

export default async function tokens({signal, me, may}) {
  const [made, failed] = [h('div'), h('div')];
  const live = liveTable(t('page.tokens'), columnsOf(me, may, revoke), {key: (token) => token.id, empty: t('none')});

  const look = watch(signal, async () => {
    const items = await all('/v1/tokens', {limit: 1000}, signal);
    fill(failed);
    await live.show(items.map((token) => ({...token, standing: standingOf(token)})).sort(byName));
  }, {seconds: 15, failed: (error) => fill(failed, errorNotice(error, look))});

  function showMade() {
    const token = secrets.get(me);
    fill(made, token && secret(token, () => { secrets.delete(me); showMade(); document.getElementById('tokens-create')?.focus(); }));
  }

  async function create() {
    const form = tokenForm();
    const key = newKey();
    const done = await ask({
      title: t('tokens.create'), button: t('tokens.create.go'), describe: h('p', t('tokens.create.words')), controls: form.elements,
      act: () => write('POST', '/v1/tokens', form.values(), {key}),
    });
    if (!done) return;
    secrets.set(me, done.body);
    showMade();
    made.querySelector('section')?.focus();
    look();
  }

  async function revoke(token) {
    const note = noteFields();
    const key = newKey();
    const done = await ask({
      title: t('tokens.revoke'), tone: 'bad', button: t('tokens.revoke'), confirm: typable(token), controls: note.elements,
      describe: [
        h('p', t('tokens.revoke.words')), token.id === me.token && notice('bad', t('tokens.revoke.own')),
        facts([[t('name'), token.name], [t('tokens.id'), h('code', token.id)], [t('tokens.role'), t(`role.${token.role}`)], [t('tokens.used'), used(token)]]),
      ],
      act: () => write('DELETE', path`/v1/tokens/${token.id}`, undefined, {query: note.values(), key}),
    });
    if (!done) return;
    toast(t('tokens.revoked', {name: token.name}));
    look();
  }

  showMade();
  return [
    h('div.heading', h('h1', t('page.tokens')), may('createToken') && button(t('tokens.create'), create, {kind: 'primary', id: 'tokens-create'})),
    made, failed, section(t('tokens.all'), live.element),
    section(t('tokens.roles'), h('dl.facts', ROLES.map((role) => h('div', h('dt', t(`role.${role}`)), h('dd.small', t(`tokens.role.${role}`)))))),
  ];
}

function byName(one, other) {
  return one.name === other.name ? (one.id < other.id ? -1 : 1) : one.name < other.name ? -1 : 1;
}

// A name that nobody could type again, for it has blanks at an end or in a row, or what isn't seen, is confirmed by the token's id.
function typable({name, id}) {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+( [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u.test(name) ? name : id;
}

// MARK: What is shown

function columnsOf(me, may, revoke) {
  return [
    {title: t('name'), cell: (token) => h('div', h('strong', token.name), token.id === me.token && [' ', h('span.tag.good', t('tokens.own'))],
      h('div.small.muted.mono', token.id))},
    {title: t('tokens.role'), cell: (token) => h('span.tag', {title: t(`tokens.role.${token.role}`)}, t(`role.${token.role}`))},
    {title: t('tokens.expires'), cell: expiry},
    {title: t('tokens.used'), cell: used},
    {title: t('tokens.created'), cell: (token) => time(token.created_at)},
    may('revokeToken') && {title: t('tokens.action'), cell: (token) => button(t('tokens.revoke.go'), () => revoke(token),
      {kind: 'small', id: `revoke-${token.id}`, 'aria-label': t('tokens.revoke.label', {name: token.name, id: token.id})})},
  ].filter((column) => column);
}

function standingOf({expires_at: end}) {
  if (!end) return 'lasting';
  const left = new Date(end) - Date.now();
  return left <= 0 ? 'expired' : left < SOON ? 'soon' : 'ending';
}

function expiry(token) {
  if (token.standing === 'lasting') return h('span.muted', t('tokens.never'));
  const tone = {expired: 'bad', soon: 'warn'}[token.standing];
  return h('div', tone && [h(`span.tag.${tone}`, t(`tokens.${token.standing}`)), ' '], time(token.expires_at), h('div.small.muted', dateTime(token.expires_at)));
}

function used(token) {
  return token.last_used_at ? time(token.last_used_at) : h('span.muted', t('tokens.unused'));
}

// A replay of a request has no secret: its first answer was lost on the way, and nobody has the token.
function secret(token, done) {
  const title = h('h2', t('tokens.made', {name: token.name}));
  const words = token.token ? [
    h('p', t('tokens.made.words')),
    h('p', h('code.secret#tokens-secret', token.token)),
    h('p.row', copyButton(token.token), button(t('tokens.made.done'), done, {kind: 'primary.small'})),
  ] : [notice('bad', t('tokens.made.lost', {id: token.id})), h('p.row', button(t('close'), done, {kind: 'small'}))];
  return h('section.card.once', {tabindex: -1, 'aria-live': 'polite'}, title, words,
    facts([[t('tokens.id'), h('code', token.id)], [t('tokens.role'), t(`role.${token.role}`)],
      [t('tokens.expires'), token.expires_at ? moment(token.expires_at) : t('tokens.never')]]));
}

// MARK: Making one

function tokenForm() {
  const name = input({name: 'name', required: true, maxlength: 100, autofocus: true});
  const roles = ROLES.map((role) => h('label.choice', h('input', {type: 'radio', name: 'role', value: role, required: true}),
    h('span', h('strong', t(`role.${role}`)), h('span.small.muted', t(`tokens.role.${role}`)))));
  const group = h('fieldset', h('legend', t('tokens.role')), roles);
  const end = input({type: 'datetime-local', name: 'expires_at'});
  const endField = field(t('tokens.expires.at'), end, Intl.DateTimeFormat().resolvedOptions().timeZone);
  const span = select([['', t('tokens.never')], ...SPANS.map((days) => [String(days), t('tokens.days', {n: days})]), ['at', t('tokens.at')]], '90',
    {name: 'span', onchange: showEnd});
  const note = noteFields();
  const ends = new Map();
  function showEnd() {
    endField.hidden = span.value !== 'at';
    end.required = span.value === 'at';
  }
  function expiresAt() {
    if (!span.value) return undefined;
    if (span.value === 'at') return new Date(end.value).toISOString();
    // A second attempt under the same key has to be the same request.
    if (!ends.has(span.value)) ends.set(span.value, new Date(Date.now() + Number(span.value) * DAY).toISOString());
    return ends.get(span.value);
  }
  showEnd();
  return {
    elements: [field(t('name'), name, t('tokens.name.hint')), group, field(t('tokens.expires'), span), endField, ...note.elements],
    values: () => {
      const at = expiresAt();
      return {name: name.value.trim(), role: group.querySelector('input:checked')?.value, ...(at && {expires_at: at}), ...note.values()};
    },
  };
}
