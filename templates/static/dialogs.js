// The dialog of the page: links with data-dialog, and what has hx-target="#dialog", fill it; answers
// close it or stay in it.
import { toast } from "./toasts.js";

const dialog = document.getElementById("dialog");

export function open(element) {
  if (!element.open) element.showModal();
  const first = element.querySelector("[autofocus], form :is(input, select, textarea):not([type=hidden]), form button[type=submit]");
  const chosen = first?.type === "radio" && element.querySelector(`[name="${first.name}"]:checked`);
  (chosen || first)?.focus();
}

// One listener for all of them: a list has hundreds. In a new tab such a link is a page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || elsewhere || event.defaultPrevented || !window.htmx) return;
  event.preventDefault();
  const arrived = () => link.classList.remove("htmx-request");
  link.classList.add("htmx-request");
  window.htmx.ajax("GET", link.href, { source: dialog, target: dialog, swap: "innerHTML" }).then(arrived, arrived);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog) open(dialog);
});

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  const holder = closer?.closest("dialog");
  if (holder) {
    event.preventDefault();
    holder.close();
  }
});

// A click beside the dialog closes it, unless something was entered.
for (const element of document.querySelectorAll("dialog")) {
  element.addEventListener("mousedown", (event) => {
    const changed = element.querySelector("form[data-changed]");
    if (event.target === element && !changed) element.close();
  });
}
dialog.addEventListener("close", () => dialog.replaceChildren());
dialog.addEventListener("input", (event) => {
  const form = event.target.closest("form");
  if (form) form.dataset.changed = "";
});

// The answer to a form that did what it should: {to, said, link}, from ui.done.
document.addEventListener("harbor:done", (event) => {
  const { to, said, link } = event.detail;
  if (dialog.open) dialog.close();
  if (!to) { // the page stays as it is
    toast(said, "", link);
    return;
  }
  const target = new URL(to, location.href);
  if (target.pathname !== location.pathname) {
    document.cookie = `harbor-said=${encodeURIComponent(said.slice(0, 500))}; Path=/; Max-Age=60; SameSite=Lax`;
    location.assign(target);
    return;
  }
  toast(said, "", link);
  const address = target.search ? target.pathname + target.search : location.pathname + location.search;
  window.htmx.ajax("GET", address, { target: "#main", select: "#main", swap: "outerHTML" });
});
