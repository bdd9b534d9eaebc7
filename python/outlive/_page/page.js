"use strict";
const body = document.querySelector(".entries tbody");
const rows = [...body.rows];
const filter = document.getElementById("filter");
const shown = document.getElementById("shown");
filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  let count = 0;
  for (const row of rows) {
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    count += !row.hidden;
  }
  shown.value = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
});
for (const button of document.querySelectorAll(".entries thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const descending = head.getAttribute("aria-sort") !== "descending" && head.cellIndex !== 0
      || head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const compare = head.cellIndex === 0
      ? (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0)
      : (a, b) => value(a) - value(b);
    rows.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
    body.append(...rows);
  });
}
