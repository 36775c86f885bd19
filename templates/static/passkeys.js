// Passkeys: the browser makes one, or lets one sign, and what comes of it is sent with the form.
import { toast } from "./toasts.js";

async function fill(field, asker, ceremony) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    toast(asker.dataset.missing, "bad");
    return false;
  }
  try {
    const made = await ceremony();
    field.value = JSON.stringify(made.toJSON());
    return true;
  } catch { // declined, too late, known already: the browser has said which
    toast(asker.dataset.failed, "bad");
    return false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  const { code, passkey } = button.form.elements;
  if (code) code.value = "";
  const told = JSON.parse(button.dataset.passkey);
  const sign = () => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(told) });
  if (await fill(passkey, button, sign)) button.form.requestSubmit();
});

// The form of a new passkey is sent once there is one.
document.addEventListener("submit", async (event) => {
  const field = event.target.querySelector("[data-new-passkey]");
  if (!field || field.value) return;
  event.preventDefault();
  event.stopPropagation();
  const told = JSON.parse(field.dataset.newPasskey);
  const make = () => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told) });
  if (await fill(field, field, make)) event.target.requestSubmit();
}, true);
