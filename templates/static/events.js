// The event log: what was sent from this tab, and how it ended. Kept until the tab is closed.
import { words } from "./forms.js";

const KEPT = "harbor-events";
const MOST = 100;
const STEPS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
const panel = document.getElementById("events");
const running = new WeakMap(); // form -> its event
let shown = "all";
let clock = null;

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    return kept.owner === panel.dataset.owner ? kept.events : [];
  } catch {
    return []; // nothing is kept yet
  }
}

function write(events) {
  sessionStorage.setItem(KEPT, JSON.stringify({ owner: panel.dataset.owner, events: events.slice(0, MOST) }));
  draw();
}

const change = (id, told) => write(read().map((event) => (event.id === id ? { ...event, ...told, at: Date.now() } : event)));
const forget = (id) => write(read().filter((event) => event.id !== id));

// A form in the dialog is called as the dialog, one of a menu as its button, any other as its page.
function begin(form) {
  const title = form.closest("#dialog")?.querySelector("#dialog-title") ?? (form.closest(".menu") && form.querySelector("button"));
  const about = [...form.querySelectorAll(".names li")].map((line) => line.firstChild.textContent.trim());
  const event = {
    id: crypto.getRandomValues(new Uint32Array(2)).join("-"),
    what: (title?.textContent ?? document.title.split(" · ")[0]).trim(),
    about: about.slice(0, 20),
    said: "",
    state: "running",
    at: Date.now(),
  };
  running.set(form, event.id);
  write([event, ...read()]);
}

function end(form, xhr) {
  const id = running.get(form);
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  if (xhr.status === 0) change(id, { state: "failed", said: panel.dataset.offline, unseen: true });
  else if (xhr.getResponseHeader("HX-Redirect") || page.querySelector("[data-field]")) forget(id); // not done yet
  else if (xhr.status >= 400) change(id, { state: "failed", said: words(xhr), unseen: true });
  else if (page.querySelector("[data-failed]")) change(id, { state: "failed", said: page.querySelector("#dialog-title").textContent.trim(), unseen: true });
  else change(id, { state: "done", said: JSON.parse(xhr.getResponseHeader("HX-Trigger") ?? "{}")["harbor:done"]?.said ?? "" });
}

function ago(at) {
  const seconds = Math.round((Date.now() - at) / 1000);
  const [unit, length] = STEPS.find(([, length]) => seconds >= length) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" }).format(-Math.floor(seconds / length), unit);
}

function line(event) {
  const row = panel.querySelector("template").content.firstElementChild.cloneNode(true);
  row.dataset.state = event.state;
  for (const mark of row.querySelectorAll("[data-mark]")) if (mark.dataset.mark !== event.state) mark.remove();
  for (const name of ["what", "said"]) row.querySelector(`.${name}`).textContent = event[name];
  row.querySelector(".about").textContent = event.about.join(", ");
  const time = row.querySelector("time");
  time.dateTime = new Date(event.at).toISOString();
  time.textContent = ago(event.at);
  return row;
}

function draw() {
  const events = read();
  const of = (state) => events.filter((event) => state === "all" || event.state === state);
  const mark = document.querySelector("[popovertarget=events] .dot");
  mark.dataset.state = of("running").length ? "running" : events.some((event) => event.unseen) ? "failed" : "";
  if (!panel.matches(":popover-open")) return;
  for (const button of panel.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === shown));
    button.querySelector(".count").textContent = of(button.dataset.show).length || "";
  }
  const lines = of(shown).map(line);
  panel.querySelector("ul").replaceChildren(...lines);
  panel.querySelector(".empty").hidden = lines.length > 0;
  panel.querySelector("[data-clear]").hidden = events.length === 0;
}

if (panel) {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { verb, elt } = event.detail.requestConfig;
    if (verb === "post" && !elt.closest("[data-appearance]")) begin(elt);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt } = event.detail.requestConfig; // which may be gone from the page
    if (running.has(elt)) end(elt, event.detail.xhr);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[action='/account/sign-out']")) sessionStorage.removeItem(KEPT);
  });
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (button) shown = button.dataset.show;
    if (event.target.closest("[data-clear]")) write(read().filter((each) => each.state === "running"));
    draw();
  });
  panel.addEventListener("toggle", (event) => {
    clearInterval(clock);
    if (event.newState !== "open") return;
    write(read().map((each) => ({ ...each, unseen: false })));
    panel.focus();
    clock = setInterval(draw, 10_000);
  });
  // What was still on its way when the page before this one was left.
  write(read().map((event) => (event.state === "running" ? { ...event, state: "unknown" } : event)));
}
