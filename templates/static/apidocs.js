// Shows the API's own description, and sends what is tried out as whoever reads the page.
"use strict";
(() => {
  const root = document.documentElement;
  const place = document.getElementById("api");
  const darkness = matchMedia("(prefers-color-scheme: dark)");

  const paint = () => {
    const theme = root.dataset.theme || (darkness.matches ? "dark" : "light");
    root.classList.toggle("dark-mode", theme === "dark");
  };
  paint();
  darkness.addEventListener("change", paint);
  new MutationObserver(paint).observe(root, { attributeFilter: ["data-theme"] });

  // What Swagger UI leaves without a name, or where the keyboard does not reach.
  const mend = () => {
    for (const field of place.querySelectorAll("tr[data-param-name] :is(select, textarea):not([aria-label])")) {
      field.setAttribute("aria-label", field.closest("tr").dataset.paramName);
    }
    for (const field of place.querySelectorAll("textarea.body-param__text:not([aria-label])")) {
      field.setAttribute("aria-label", "Request body");
    }
    for (const button of place.querySelectorAll("button.close-modal:not([aria-label])")) {
      button.setAttribute("aria-label", "Close");
    }
    for (const block of place.querySelectorAll("pre:not([tabindex])")) {
      block.tabIndex = 0;
    }
    const inner = place.querySelector("main:not([role])");
    if (inner) { // the page has a main part already
      inner.setAttribute("role", "group");
      inner.setAttribute("aria-label", "API");
    }
  };
  new MutationObserver(mend).observe(place, { childList: true, subtree: true });

  // A request by the session must show that it comes from a page of ours.
  let token = document.querySelector('meta[name="csrf-token"]').content;
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.description,
    deepLinking: false, // its links would stand inside of buttons
    docExpansion: "none",
    filter: true,
    tagsSorter: "alpha",
    validatorUrl: null, // would be another host
    requestInterceptor: (request) => {
      if (token && new URL(request.url, location).origin === location.origin) {
        request.headers["X-Harbor-CSRF-Token"] = token;
      }
      return request;
    },
    responseInterceptor: (response) => {
      token = response.headers["x-harbor-csrf-token"] || token;
      return response;
    },
  });
})();
