// Theme and zone of this browser. Charts ask colour() and draw again on "appearance".
const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;
const theme = () => root.dataset.theme ?? "auto";

export const utc = () => root.dataset.zone === "utc";

// A token of frame.css as the colour it has now, for canvas: colour("--accent"), colour("--service", "hue-3").
export function colour(token, className = "") {
  const probe = document.createElement("i");
  probe.className = className;
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
  try {
    if (next === "auto") localStorage.removeItem("observe-theme"); else localStorage.setItem("observe-theme", next);
  } catch { /* storage is blocked: for this page only */ }
  changed();
}

export function toggleZone() {
  document.cookie = utc()
    ? "observe_zone=; path=/; samesite=strict; max-age=0"
    : "observe_zone=utc; path=/; samesite=strict; max-age=31536000";
  location.reload();
}

export function startAppearance() {
  for (const [id, action] of [["theme", nextTheme], ["zone", toggleZone]]) {
    const button = document.getElementById(id);
    button.hidden = false;
    button.addEventListener("click", action);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  tell();
}

function changed() {
  tell();
  document.dispatchEvent(new Event("appearance"));
}

function tell() {
  const button = document.getElementById("theme");
  button.dataset.shows = theme();
  button.setAttribute("aria-label", `Theme: ${theme()}`);
  button.title = `Theme: ${theme()}`;
}
