"use strict";
(() => {
  const lineage = JSON.parse(document.getElementById("lineage").textContent);
  const dialog = document.getElementById("why");
  const root = document.documentElement;

  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  function list(element, lines) {
    element.replaceChildren(...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }

  function tell(button) {
    const place = button.closest("[data-projection]");
    const found = lineage.projections[place.dataset.projection];
    const row = button.closest("[data-row]");
    const number = row ? Number(row.dataset.row) : 0;
    const sources = (found.rows[number] || found.rows[0] || []).map((at) => lineage.sources[at]);
    document.getElementById("why-title").textContent =
      place.dataset.projection + ", " + button.dataset.column;
    document.getElementById("why-value").textContent = button.textContent;
    list(document.getElementById("why-events"), sources);
    document.getElementById("why-command").textContent =
      "asd why " + place.dataset.projection + "." + button.dataset.column +
      (found.keys[number] || "") + " --events --run " + lineage.run;
    document.getElementById("why-sql").textContent =
      found.sql.map((name) => lineage.sql[name]).join("\n");
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-column]");
    if (button) tell(button);
    if (event.target === dialog) dialog.close();
  });

  function value(row, column) {
    const cell = row.cells[column];
    const number = cell.dataset.value;
    return number === undefined ? cell.textContent.trim() : Number(number);
  }

  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one === "number") return -1;
    if (typeof other === "number") return 1;
    return one.localeCompare(other);
  }

  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (down ? -1 : 1) * compare(value(a, column), value(b, column)));
        table.tBodies[0].append(...rows);
      });
    });
  }

  for (const input of document.querySelectorAll("input[type=search]")) {
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      for (const row of document.getElementById(input.dataset.table).tBodies[0].rows)
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }
})();
