// Lists of names as people have them: a name a line, a table of some spreadsheet, an export of the registry, URLs out of a browser.
import {normal} from './names.js';

const PLAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;

// - Returns: the names in their order, each once, and the lines that have none: [{line, text}], [{line, name}] for what came before.
export function namesIn(text) {
  const [names, wrong, doubled, seen] = [[], [], [], new Set()];
  let column = null;
  text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/).forEach((each, index) => {
    const line = each.trim();
    if (!line || line.startsWith('#')) return;
    const cells = cellsOf(line);
    if (column === null) {
      const titled = cells.findIndex((cell) => cell.toLowerCase() === 'fqdn');
      column = Math.max(titled, 0);
      if (titled >= 0) return;
    }
    const cell = cells[column] ?? '';
    const found = PLAIN.test(cell) && !cell.includes('xn--') ? cell : normal(cell);
    if (!found || found.length > 253 || found.split('.').some((label) => label.length > 63)) wrong.push({line: index + 1, text: cell || line});
    else if (seen.has(found)) doubled.push({line: index + 1, name: found});
    else {
      seen.add(found);
      names.push(found);
    }
  });
  return {names, wrong, doubled};
}

function cellsOf(line) {
  if (line.startsWith('{')) {
    try {
      return [String(JSON.parse(line).fqdn ?? '')];
    } catch {
      return [line];
    }
  }
  if (!/[,;\t"]/.test(line)) return [line];
  // Enough of RFC 4180 for names, which have none of its special characters; spreadsheets put an apostrophe before what looks like a formula.
  return line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1').replace(/^'/, '').trim());
}
