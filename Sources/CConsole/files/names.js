// Names as people type and read them.

// What somebody has typed or pasted: a URL, a host with a port, capitals, a final dot.
//
// - Returns: the name as the registry has it; null where it can't be one.
export function normal(text) {
  let host = text.trim();
  if (!host || /\s/.test(host)) return null;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(host)) host = `http://${host}`;
  try {
    host = new URL(host).hostname;
  } catch {
    return null;
  }
  host = host.replace(/\.$/, '');
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(host) && !/^[0-9.]+$/.test(host) ? host : null;
}

// A name with its A-labels as people write them. What can't be decoded stays as it is.
export function displayed(fqdn) {
  if (!fqdn.includes('xn--')) return fqdn;
  return fqdn.split('.').map((label) => (label.startsWith('xn--') ? decoded(label.slice(4)) ?? label : label)).join('.');
}

// RFC 3492. - Returns: null where it isn't a label that a browser would show: only letters, digits, marks and hyphens are.
function decoded(text) {
  const BASE = 36;
  const cut = text.lastIndexOf('-');
  const output = cut > 0 ? Array.from(text.slice(0, cut), (each) => each.codePointAt(0)) : [];
  let [code, index, bias] = [128, 0, 72];
  let position = cut > 0 ? cut + 1 : 0;
  while (position < text.length) {
    const before = index;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = digitOf(text.charCodeAt(position));
      position += 1;
      if (digit === null) return null;
      index += digit * weight;
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= BASE - threshold;
      if (weight > 2 ** 31 || position >= text.length) return null;
    }
    const length = output.length + 1;
    bias = adapted(index - before, length, before === 0);
    code += Math.floor(index / length);
    index %= length;
    if (code > 0x10ffff) return null;
    output.splice(index, 0, code);
    index += 1;
  }
  const label = String.fromCodePoint(...output);
  return /^[\p{L}\p{M}\p{N}-]+$/u.test(label) ? label : null;
}

function digitOf(code) {
  if (code >= 97 && code <= 122) return code - 97;
  if (code >= 48 && code <= 57) return code - 22;
  return null;
}

function adapted(delta, length, isFirst) {
  let rest = isFirst ? Math.floor(delta / 700) : Math.floor(delta / 2);
  rest += Math.floor(rest / length);
  let k = 0;
  for (; rest > 455; k += 36) rest = Math.floor(rest / 35);
  return k + Math.floor(36 * rest / (rest + 38));
}
