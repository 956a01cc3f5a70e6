// Gives every table a download as CSV, and a search to every long one; a row also has words that it does not show.
const LONG = 10;

// A value that a spreadsheet would read as a formula begins with an apostrophe.
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(table) {
  const rows = [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)];
  const lines = rows.map((row) => [...row.cells].map((cell) => quoted(cell.dataset.csv ?? cell.textContent.trim())).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

function download(table, title) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv" }));
  link.download = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

function addSearch(tools, table) {
  const rows = [...table.tBodies[0].rows];
  const texts = rows.map((row) => `${row.textContent} ${row.dataset.words ?? ""}`.toLowerCase());
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off", spellcheck: false });
  const output = document.createElement("output");
  label.append(`${table.dataset.search ?? "Search"} `, input);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, place) => { row.hidden = !words.every((word) => texts[place].includes(word)); });
    const found = rows.filter((row) => !row.hidden).length;
    output.textContent = words.length ? `${found} of ${rows.length} rows` : "";
  });
  tools.append(label, output);
}

for (const table of document.querySelectorAll("table")) {
  const title = table.caption.textContent.trim();
  const tools = Object.assign(document.createElement("div"), { className: "tools" });
  if (table.tBodies[0].rows.length > LONG || table.dataset.search !== undefined) addSearch(tools, table);
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "CSV" });
  button.setAttribute("aria-label", `Download as CSV: ${title}`);
  button.addEventListener("click", () => download(table, title));
  tools.append(button);
  table.parentElement.before(tools);
}
