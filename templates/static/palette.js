// Ctrl-K: go anywhere by typing. Also the other keys that work on every page.
import { toggleNavigation } from "./appearance.js";

const palette = document.getElementById("palette");
const input = palette.querySelector("input");
const list = palette.querySelector("[role=listbox]");
const words = palette.querySelector("template[data-words]").dataset;
let options = [];
let chosen = 0;
let asked = 0;

function pages() {
  const found = new Map();
  const links = document.querySelectorAll("#nav li > a, .tabs a, .page-actions a.button, .menu .items > a");
  for (const link of links) {
    const text = link.textContent.trim();
    if (text && !found.has(text)) found.set(text, { text, link, url: link.href, kind: "go", where: words.page });
  }
  return [...found.values()];
}

// Letters in their order, near each other and at the beginning of words: the lower the better.
function distance(text, wanted) {
  const low = text.toLowerCase();
  const at = low.indexOf(wanted);
  if (at >= 0) return at === 0 ? 0 : /\W/.test(low[at - 1]) ? 1 : 2;
  let place = -1;
  for (const letter of wanted) {
    place = low.indexOf(letter, place + 1);
    if (place < 0) return Infinity;
  }
  return 10 + place;
}

function draw(at = 0) {
  list.replaceChildren(...options.map((option, at) => {
    const row = document.createElement("a");
    row.href = option.url;
    row.id = `option-${at}`;
    row.setAttribute("role", "option");
    row.tabIndex = -1;
    row.append(palette.querySelector(`template[data-icon=${option.kind}]`).content.cloneNode(true), option.text);
    const where = document.createElement("span");
    where.className = "where";
    where.textContent = option.where ?? "";
    row.append(where);
    return row;
  }));
  if (!options.length) {
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = words.none;
    list.append(none);
  }
  choose(at);
}

function choose(at) {
  chosen = (at + options.length) % (options.length || 1);
  for (const [number, row] of [...list.querySelectorAll("[role=option]")].entries()) {
    row.setAttribute("aria-selected", String(number === chosen));
    if (number === chosen) row.scrollIntoView({ block: "nearest" });
  }
  input.setAttribute("aria-activedescendant", options.length ? `option-${chosen}` : "");
}

async function look() {
  const text = input.value.trim();
  const wanted = text.toLowerCase();
  const number = ++asked;
  options = pages()
    .map((page) => ({ ...page, rank: distance(page.text, wanted) }))
    .filter((page) => page.rank < Infinity)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, text ? 6 : 20);
  const everything = { text: words.search.replace("%s", text), url: `/harbor/search?q=${encodeURIComponent(text)}`, kind: "search" };
  if (text) options.push(everything);
  draw();
  if (!text) return;
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (number !== asked) return;
  const answer = await fetch(everything.url, { headers: { "HX-Request": "true", "HX-Target": "palette-list", "X-Harbor-No-Session-Renewal": "true" } });
  if (!answer.ok || number !== asked) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const named = [...found.querySelectorAll("a[data-kind]")].map((each) => ({
    text: each.textContent,
    url: each.getAttribute("href"),
    kind: each.dataset.kind,
    where: words[each.dataset.kind],
  }));
  const before = options.length - 1; // what was chosen meanwhile stays so
  options = [...options.slice(0, before), ...named, everything];
  draw(chosen < before ? chosen : 0);
}

function show(text = "") {
  if (palette.open) return;
  input.value = text;
  palette.showModal();
  look();
}

function follow(option) {
  palette.close();
  if (option.link) option.link.click();
  else location.assign(option.url);
}

input.addEventListener("input", look);
palette.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Enter" && options[chosen]) follow(options[chosen]);
  else return;
  event.preventDefault();
});
list.addEventListener("click", (event) => {
  const row = event.target.closest("[role=option]");
  if (!row || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  follow(options[Number(row.id.replace("option-", ""))]);
});

const KEYS = {
  "/": () => (document.querySelector("[data-filter]") ?? document.querySelector(".search input"))?.focus(),
  n: () => document.querySelector(".page-actions .primary, .grid-tools .primary")?.click(),
  e: () => document.getElementById("events")?.togglePopover(),
  "[": toggleNavigation,
  "?": () => document.getElementById("shortcuts").showModal(),
};
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    show();
    return;
  }
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});
