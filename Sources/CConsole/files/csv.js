// CSV for spreadsheets (RFC 4180). Names and reasons are strangers' text: what a spreadsheet would take for a formula gets a quote before
// it, as in the registry's own exports with `for=spreadsheet`.

export function csvLine(values) {
  return `${values.map(cell).join(',')}\r\n`;
}

function cell(value) {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Gives a blob to the person as a file.
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has the blob by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
