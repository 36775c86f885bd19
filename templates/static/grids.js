// Data grids: selection, page size, columns. Everything else is links.
import { keep } from "./appearance.js";

const picks = (grid) => [...grid.querySelectorAll("tbody .pick")];

function count(grid) {
  const all = picks(grid);
  const chosen = all.filter((each) => each.checked).length;
  const head = grid.querySelector("[data-pick-all]");
  if (head) {
    head.checked = chosen > 0 && chosen === all.length;
    head.indeterminate = chosen > 0 && chosen < all.length;
  }
  const words = grid.querySelector("[data-count]");
  if (words) words.textContent = chosen === 1 ? words.dataset.one : words.dataset.many.replace("%s", chosen);
  for (const button of grid.querySelectorAll("[data-exactly]")) button.disabled = chosen !== Number(button.dataset.exactly);
}

let last = null; // the box that was clicked last, for a range with Shift
document.addEventListener("click", (event) => {
  const box = event.target.closest("tbody .pick");
  if (!box) return;
  const grid = box.closest("[data-grid]");
  const all = picks(grid);
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  count(grid);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open-row]");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
});

function remembered(name) {
  const found = document.cookie.match(new RegExp(`(?:^|; )harbor-grid-${name}=([^;]*)`));
  return new URLSearchParams(found ? found[1] : "");
}

function remember(name, key, value) {
  const told = remembered(name);
  told.set(key, value);
  keep(`harbor-grid-${name}`, told.toString());
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-remember]");
  if (!link) return;
  const told = link.dataset;
  remember(told.remember, told.key, told.value);
  const there = new URL(location.href); // the filter may say something else by now
  there.searchParams.set(told.key, told.value);
  link.href = there.href;
});

document.addEventListener("change", (event) => {
  const element = event.target;
  const grid = element.closest("[data-grid]");
  if (element.matches("[data-pick-all]")) {
    for (const box of picks(grid)) box.checked = element.checked;
    count(grid);
  } else if (element.matches("[data-page-size]")) {
    remember(grid.dataset.grid, "size", element.value);
    const url = element.dataset.url.replace("SIZE", element.value);
    const way = `#${grid.id}`;
    window.htmx.ajax("GET", url, { source: element, target: way, select: way, swap: "outerHTML" })
      .then(() => history.pushState({ htmx: true }, "", url));
  }
});
// The rows need not be fetched anew for another column, as they would be for any other field beside it.
document.addEventListener("change", (event) => {
  const box = event.target;
  if (!box.matches("[data-column]")) return;
  event.stopPropagation();
  const name = box.closest("[data-grid-tools]").dataset.gridTools;
  const boxes = [...box.closest(".items").querySelectorAll("[data-column]")];
  remember(name, "hide", boxes.filter((each) => !each.checked).map((each) => each.dataset.key).join("."));
  document.querySelector(`#grid-${name} table`)?.classList.toggle(`hide-${box.dataset.column}`, !box.checked);
}, true);
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-column]")) event.stopPropagation();
}, true);
document.addEventListener("reset", (event) => {
  const grid = event.target.closest("[data-grid]");
  if (grid) setTimeout(() => count(grid));
});
// Addresses say only what was chosen.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("[data-grid-tools]")) return;
  const given = event.detail.parameters;
  for (const name of Object.keys(given)) if (given[name] === "") delete given[name];
  if (!given.text) delete given.by;
});

// Enter in the table's form would press its first button.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".pick")) event.preventDefault();
});

document.addEventListener("htmx:beforeRequest", (event) => event.detail.target?.closest?.("[data-grid]")?.classList.add("is-loading"));
document.addEventListener("htmx:afterRequest", (event) => event.detail.target?.closest?.("[data-grid]")?.classList.remove("is-loading"));
document.addEventListener("htmx:load", (event) => {
  for (const grid of event.detail.elt.parentNode?.querySelectorAll("[data-grid]") ?? []) count(grid);
});
