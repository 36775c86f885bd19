// Tabs that do not fit beside each other: the one at hand is in sight.
function reveal() {
  for (const current of document.querySelectorAll(".tabs [aria-current]")) {
    const row = current.closest(".tabs");
    const place = current.getBoundingClientRect();
    row.scrollLeft += place.left + place.width / 2 - (row.getBoundingClientRect().left + row.clientWidth / 2);
  }
}

document.addEventListener("htmx:load", reveal);
addEventListener("resize", reveal);
reveal();
