// Forms: what went wrong is put where it belongs, and passwords can be shown.
import { toast } from "./toasts.js";

export function words(xhr) {
  const type = xhr.getResponseHeader("content-type") ?? "";
  if (type.includes("json")) {
    try {
      return JSON.parse(xhr.responseText).errors[0].message;
    } catch {
      return xhr.statusText;
    }
  }
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  return page.querySelector(".alert p:last-of-type")?.textContent ?? xhr.statusText;
}

// What is wrong with one field stands below it, until the field or the whole form is tried again.
function atField(form, said) {
  const name = said && CSS.escape(said.dataset.field);
  const place = name && form.querySelector(`#f-${name}-wrong`);
  if (!place) return false;
  place.replaceChildren(...said.childNodes);
  const field = form.querySelector(`#f-${name}`);
  field?.setAttribute("aria-invalid", "true");
  (field ?? place).scrollIntoView({ block: "nearest" });
  field?.focus();
  return true;
}

function forget(form) {
  for (const field of form?.querySelectorAll("[aria-invalid]") ?? []) field.removeAttribute("aria-invalid");
  for (const place of form?.querySelectorAll(".wrong") ?? []) place.replaceChildren();
}

document.addEventListener("htmx:responseError", (event) => {
  const { elt, xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Redirect")) return;
  const place = elt.closest("form")?.querySelector("[data-problem]");
  const html = (xhr.getResponseHeader("content-type") ?? "").includes("html");
  if (!place || !html) {
    toast(words(xhr), "bad");
    return;
  }
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  if (atField(place.closest("form"), page.querySelector("[data-field]"))) return;
  const alert = page.querySelector(".alert");
  place.replaceChildren(...(alert ? [alert] : [words(xhr)]));
  place.scrollIntoView({ block: "nearest" });
});

document.addEventListener("htmx:sendError", (event) => {
  toast(document.querySelector("template[data-toast='bad']").dataset.offline, "bad");
  event.stopPropagation();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.matches("form[data-form]")) forget(event.detail.elt);
  event.detail.elt.closest("form")?.querySelector("[data-problem]")?.replaceChildren();
  document.documentElement.classList.add("is-waiting");
});
document.addEventListener("htmx:afterRequest", () => document.documentElement.classList.remove("is-waiting"));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, shown ? "#eye" : "#eye-off"));
});

// Browsers offer what contains the text of the field: whoever wants another one types over it.
document.addEventListener("focusin", ({ target }) => target.list && target.select());

// All boxes of a matrix at once.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tick]");
  if (!button) return;
  const boxes = button.closest(".matrix").querySelectorAll("input[type=checkbox]");
  for (const box of boxes) box.checked = button.dataset.tick === "all";
});

function ready(part) {
  for (const button of part.querySelectorAll("[data-reveal][hidden], [data-tick][hidden]")) button.hidden = false;
}
document.addEventListener("htmx:load", (event) => ready(event.detail.elt));
ready(document);
