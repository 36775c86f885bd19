// Menus and tips are <details>: one is open at a time, Escape and a click elsewhere close it.
const OPEN = "details[data-menu][open]";

function items(menu) {
  return [...menu.querySelectorAll(".items :is(a, button, input)")].filter((each) => !each.disabled);
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(OPEN)) {
    const inside = menu.contains(event.target);
    const chosen = inside && event.target.closest(".items :is(a, button[type=submit])") && !event.target.closest("[data-appearance]");
    if (!inside || chosen) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu]");
  if (event.key === "Escape") {
    for (const each of document.querySelectorAll(OPEN)) {
      each.open = false;
      each.querySelector("summary").focus();
      event.preventDefault();
    }
    return;
  }
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  if (event.target.matches("input:not([type=checkbox])")) return;
  event.preventDefault();
  menu.open = true;
  place(menu); // now, or the table would scroll to what gets the focus, and close it
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  all.at(to % all.length)?.focus();
});

// A menu near the edge of a table that scrolls would be cut off: it is placed on the screen.
function place(menu) {
  const list = menu.querySelector(".items, .text");
  list.classList.remove("above");
  if (menu.closest(".grid-scroll")) {
    const place = menu.getBoundingClientRect();
    list.classList.add("on-screen");
    const below = place.bottom + list.offsetHeight + 8 < innerHeight;
    list.style.setProperty("top", `${below ? place.bottom + 4 : place.top - list.offsetHeight - 4}px`);
    list.style.setProperty("left", `${Math.max(8, place.right - list.offsetWidth)}px`);
  }
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (menu.matches?.("details[data-menu]") && menu.open) place(menu);
}, true);
document.addEventListener("scroll", (event) => {
  for (const menu of document.querySelectorAll(`.grid-scroll ${OPEN}`))
    if (event.target.contains?.(menu)) menu.open = false;
}, true);
