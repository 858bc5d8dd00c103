// What a page keeps while somebody looks at it: its choices, in the address, and moments as forms have them.

// The address is what somebody else sees the same by. It isn't followed: the page is there already.
export function remember(hash, parameters) {
  const kept = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== ''));
  const text = kept.toString();
  history.replaceState(history.state, '', text ? `${hash}?${text}` : hash);
}

// Calls once nobody has asked for it for a while.
export function debounced(run, milliseconds, signal) {
  let timer;
  signal.addEventListener('abort', () => clearTimeout(timer), {once: true});
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

// A moment as `<input type="datetime-local">` has it, in this browser's zone, and back.
export function localText(value) {
  const at = new Date(value);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function instant(text) {
  return text ? new Date(text).toISOString() : '';
}

export function zone() {
  return new Intl.DateTimeFormat(undefined, {timeZoneName: 'short'}).formatToParts(new Date()).find((each) => each.type === 'timeZoneName')?.value ?? '';
}
