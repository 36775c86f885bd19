// Parts of a page that are read anew when something was changed on the server.
const LIVE = "[data-live]";
const QUIET = { "X-Harbor-No-Session-Renewal": "true" };
const AGAIN_MS = 2000;
const BUSY_MS = 30_000;
const last = new WeakMap(); // part -> when it was read
let seen = ""; // the number of the last event
let listening = null;
let rest = null;

const inUse = (part) =>
  part.querySelector(".pick:checked, details[open], [aria-expanded=true]") || (part.contains(document.activeElement) && document.activeElement !== part);

async function refresh() {
  clearTimeout(rest);
  let soonest = Infinity;
  for (const part of document.querySelectorAll(LIVE)) {
    const wait = Number(part.dataset.live) * 1000 - (Date.now() - (last.get(part) ?? 0));
    if (wait > 0 || inUse(part)) {
      soonest = Math.min(soonest, Math.max(wait, 1000));
      continue;
    }
    const way = `#${part.id}`;
    last.set(part, Date.now());
    await window.htmx.ajax("GET", part.dataset.liveUrl || location.pathname + location.search, {
      target: way, select: way, swap: "outerHTML", headers: QUIET,
    });
    const renewed = document.querySelector(way);
    if (renewed) last.set(renewed, Date.now());
  }
  if (soonest < Infinity && !document.hidden) rest = setTimeout(refresh, soonest);
}

// One answer of the server: it ends by itself after some seconds. Returns when to ask again.
async function listen(signal) {
  const answer = await fetch("/harbor/live", { headers: { ...QUIET, "Last-Event-ID": seen }, redirect: "manual", signal });
  if (answer.status === 503) return BUSY_MS;
  if (!answer.ok) return null; // the session is over
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return AGAIN_MS / 4;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const number = event.match(/^id: (.*)$/m);
      if (!number) continue;
      seen = number[1];
      refresh();
    }
  }
}

async function keepListening(signal) {
  while (!signal.aborted) {
    let wait;
    try {
      wait = await listen(signal);
    } catch {
      wait = AGAIN_MS * 2; // the server is away, or the page is being left
    }
    if (wait === null) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function watch() {
  const wanted = !document.hidden && document.querySelector(LIVE);
  if (wanted && !listening) {
    for (const part of document.querySelectorAll(LIVE)) last.set(part, Date.now());
    listening = new AbortController();
    keepListening(listening.signal);
  } else if (!wanted && listening) {
    listening.abort();
    listening = null;
  }
}

document.addEventListener("visibilitychange", watch);
document.addEventListener("htmx:load", watch);
watch();
