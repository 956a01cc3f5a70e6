// Shows only the rows of a table that contain every word of a search field; a row also has words that it does not show.
for (const field of document.querySelectorAll("[data-search]")) {
  const rows = [...document.getElementById(field.dataset.search).tBodies[0].rows];
  const texts = rows.map((row) => `${row.textContent} ${row.dataset.words ?? ""}`.toLowerCase());
  const output = field.querySelector("output");
  const input = field.querySelector("input");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, place) => { row.hidden = !words.every((word) => texts[place].includes(word)); });
    const found = rows.filter((row) => !row.hidden).length;
    output.textContent = words.length ? `${found} of ${rows.length} patches` : "";
  });
  field.hidden = false;
}
