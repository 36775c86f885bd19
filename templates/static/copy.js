// Copy buttons. Where the browser refuses (plain HTTP), an old way that works everywhere.
import { toast } from "./toasts.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyAsBefore(text);
  }
}

function copyAsBefore(text) {
  const area = document.createElement("textarea");
  area.value = text;
  const place = document.querySelector("dialog[open]") ?? document.body;
  place.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const copied = await copy(button.dataset.copy);
  button.focus();
  if (!copied) {
    toast(document.querySelector("template[data-toast='bad']").dataset.uncopied, "bad");
    return;
  }
  button.classList.add("copied");
  toast(button.dataset.copied.replace("%s", () => button.dataset.copy));
  setTimeout(() => button.classList.remove("copied"), 1500);
});
