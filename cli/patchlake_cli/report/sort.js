// Makes the head of every column a button that sorts the table by it. What is not known stays at the end.
"use strict";

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell.hasAttribute("data-unknown")) return null;
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}

function compare(one, other) {
  return typeof one === "number" && typeof other === "number" ? one - other : collator.compare(one, other);
}

function sort(table, head, column) {
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const opposite = { ascending: "descending", descending: "ascending" };
  const direction = opposite[head.getAttribute("aria-sort")] ?? first;
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  rows.sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return direction === "ascending" ? compare(one, other) : compare(other, one);
  });
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head, column));
    head.append(button);
  });
}
