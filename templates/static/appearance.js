// Theme, navigation and time zone: kept in cookies, so that the server's page is right at once.
const root = document.documentElement;

export function keep(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const life = value ? 365 * 24 * 3600 : 0;
  document.cookie = `${name}=${value}; Path=/; Max-Age=${life}; SameSite=Lax${secure}`;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-appearance]");
  const button = event.submitter;
  if (!form || !button || button.name !== "theme") return;
  event.preventDefault();
  const theme = button.value === "system" ? "" : button.value;
  keep("harbor-theme", theme);
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const each of document.querySelectorAll("[data-appearance] button[name=theme]"))
    each.setAttribute("aria-pressed", String(each.value === button.value));
});

export function toggleNavigation() {
  const collapsed = root.dataset.nav !== "collapsed";
  if (collapsed) root.dataset.nav = "collapsed";
  else delete root.dataset.nav;
  keep("harbor-nav", collapsed ? "collapsed" : "");
  document.querySelector("[data-collapse]")?.setAttribute("aria-pressed", String(collapsed));
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-collapse]")) toggleNavigation();
  const banner = event.target.closest("[data-close-banner]");
  if (banner) {
    keep("harbor-banner", banner.dataset.closeBanner);
    banner.closest(".notice").remove();
  }
  const back = event.target.closest("[data-back]");
  if (back && history.length > 1) {
    event.preventDefault();
    history.back();
  }
});

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`harbor-zone=${zone}`)) keep("harbor-zone", zone);
