// Copy buttons. Where the browser refuses (plain HTTP), an old way that works everywhere.
import { toast } from "./toasts.js";

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  const place = document.querySelector("dialog[open]") ?? document.body;
  place.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser does not let pages copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  try {
    await copy(button.dataset.copy);
  } catch (error) {
    toast(error.message, "bad");
    return;
  }
  button.focus();
  button.classList.add("copied");
  toast(button.dataset.copied);
  setTimeout(() => button.classList.remove("copied"), 1500);
});
