// How many domains each location had, over time: lines with a table of the same for whoever doesn't see them.
import {h, svg} from './dom.js';
import {date, dateTime, number, t} from './i18n.js';
import {table} from './ui.js';

// Drawn as wide as there is room, so that what is written stays as large as elsewhere.
const [WIDE, NARROW, HEIGHT] = [760, 330, 240];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 12, 14, 28];
export const TONES = ['a', 'b', 'c', 'd'];

// - items: as `/v1/stats/history` has them. marks: [{at, title}], waves that moved.
export function chart(items, marks = []) {
  const width = matchMedia('(max-width: 40rem)').matches ? NARROW : WIDE;
  const names = [...new Set(items.flatMap((item) => item.locations.map((each) => each.location)))].sort();
  const value = (item, name) => item.locations.find((each) => each.location === name)?.domains ?? 0;
  const times = items.map((item) => new Date(item.at).getTime());
  const [first, last] = [times[0], times.at(-1)];
  const highest = ceiling(Math.max(1, ...items.flatMap((item) => names.map((name) => value(item, name)))));
  const x = (time) => LEFT + (last === first ? 1 : (time - first) / (last - first)) * (width - LEFT - RIGHT);
  const y = (count) => TOP + (1 - count / highest) * (HEIGHT - TOP - BOTTOM);
  const lines = names.map((name, index) => {
    // A count stays until it changes: steps, not slopes.
    const points = items.map((item, place) => (place === 0 ? `M${round(x(times[0]))} ${round(y(value(item, name)))}`
      : `H${round(x(times[place]))}V${round(y(value(item, name)))}`));
    return svg(`path.${TONES[index % TONES.length]}`, {d: points.join('')});
  });
  const rules = [0, .5, 1].map((part) => [
    svg('line', {x1: LEFT, x2: width - RIGHT, y1: y(highest * part), y2: y(highest * part)}),
    svg('text', {x: LEFT - 8, y: y(highest * part) + 4, 'text-anchor': 'end'}, number(highest * part)),
  ]);
  const seen = marks.filter((mark) => new Date(mark.at) >= first && new Date(mark.at) <= last);
  const triangles = seen.map((mark) => {
    const at = round(x(new Date(mark.at).getTime()));
    return svg('path.fill.mark', {d: `M${at} ${HEIGHT - BOTTOM - 9}l5 9h-10z`}, svg('title', `${mark.title} · ${dateTime(mark.at)}`));
  });
  const label = `${t('chart.label')}: ${names.map((name) => `${name} ${number(value(items.at(-1), name))}`).join(', ')}`;
  return h('div',
    h('p.row.small', names.map((name, index) => h('span', h(`span.swatch.${TONES[index % TONES.length]}`), name))),
    svg('svg.chart', {viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': label}, rules, lines, triangles,
      svg('text', {x: LEFT, y: HEIGHT - 8}, date(first)),
      svg('text', {x: width - RIGHT, y: HEIGHT - 8, 'text-anchor': 'end'}, date(last))),
    h('details', h('summary#chart-table', t('chart.table')), table(t('chart.label'), [
      {title: t('when'), cell: (item) => dateTime(item.at)},
      ...names.map((name) => ({title: name, kind: 'number', cell: (item) => number(value(item, name))})),
    ], thinned(items))));
}

// The next number with a round half above a count.
function ceiling(count) {
  const power = 10 ** Math.floor(Math.log10(count));
  return [1, 2, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= count && (each % 2 === 0 || each === 1 || each >= 10)) ?? 10 * power;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

// A table that can be read: the newest of at most a hundred stretches.
function thinned(items) {
  const step = Math.ceil(items.length / 100);
  return items.filter((_, index) => (items.length - 1 - index) % step === 0).reverse();
}
