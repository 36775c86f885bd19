// What pages do beyond what HTML and htmx do by themselves; each part in a file of its own.
import "./appearance.js";
import "./copy.js";
import "./dialogs.js";
import "./events.js";
import "./forms.js";
import "./grids.js";
import "./live.js";
import "./menus.js";
import "./palette.js";
import "./tabs.js";
import "./passkeys.js";
import "./passwords.js";
import "./toasts.js";
