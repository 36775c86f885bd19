// Short messages at the corner; what failed stays until it is dismissed.
const region = document.getElementById("toasts");
const LIFE_MS = 5000;

function raise() {
  // The region is a popover, so that it stands above an open dialog.
  if (region.matches(":popover-open")) region.hidePopover();
  if (region.children.length) region.showPopover();
}

function age(element) {
  const life = element.querySelector("a") ? 2 * LIFE_MS : LIFE_MS; // a link is there to be reached
  if (!element.classList.contains("bad")) setTimeout(() => remove(element), life);
}

function remove(element) {
  element.remove();
  if (!region.children.length && region.matches(":popover-open")) region.hidePopover();
}

function linked([address, words]) {
  const element = document.createElement("a");
  element.href = address;
  element.textContent = words;
  return element;
}

export function toast(text, kind = "", link = null) {
  if (!text) return;
  const pattern = document.querySelector(`template[data-toast="${kind}"]`);
  const element = pattern.content.firstElementChild.cloneNode(true);
  element.querySelector("p").textContent = text;
  if (link) element.querySelector("p").append(" ", linked(link));
  while (region.children.length > 3) region.firstElementChild.remove();
  region.append(element);
  raise();
  age(element);
}

region.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) remove(button.closest(".toast"));
});
for (const element of region.children) age(element);
raise();
