// New passwords: the rule is ticked off while one types. The server checks it again.
const rules = {
  length: (text) => [...text].length >= 8 && [...text].length <= 128,
  lower: (text) => /[a-z]/.test(text),
  upper: (text) => /[A-Z]/.test(text),
  digit: (text) => /[0-9]/.test(text),
  same: (text, again) => text !== "" && text === again,
};

document.addEventListener("input", (event) => {
  const part = event.target.closest("[data-new-password]");
  if (!part) return;
  const text = part.querySelector("[data-first]").value;
  const again = part.querySelector("[data-again]").value;
  for (const line of part.querySelectorAll("[data-rule]")) {
    const kept = rules[line.dataset.rule](text, again);
    line.classList.toggle("is-kept", kept);
    const said = line.querySelector("[data-kept]");
    said.textContent = kept ? said.dataset.kept : "";
  }
});
