// Keys of all pages. A page adds its own with addKeys; the sheet behind ? lists what this page has.
const ROWS = "#content summary, #content a.summary, #content a.cover";
const SYMBOLS = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };
const FRAME = ["Everywhere", "Go to"];
const actions = new Map();
const sections = new Map();
let prefix = "";

// addKeys({"e": ["next error", action], "j ArrowDown": ["next row", action], "gt": ["traces", action]}, "Trace")
// Names are those of KeyboardEvent.key; a blank parts alternatives; "g" and a letter is a chord. The later wins.
export function addKeys(keys, section = "This page") {
  for (const [names, [description, action]] of Object.entries(keys)) {
    const taken = names.split(" ");
    for (const name of taken) actions.set(name, action);
    for (const lines of sections.values()) {
      for (const other of lines.keys()) if (other.split(" ").some((name) => taken.includes(name))) lines.delete(other);
    }
    if (!sections.has(section)) sections.set(section, new Map());
    sections.get(section).set(names, description);
  }
}

export function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions.get(prefix + event.key);
  prefix = event.key === "g" && !prefix ? "g" : "";
  if (action && action(event) !== false) event.preventDefault();
}

// The next match after the focused row in document order, so that jumping to errors starts where one is.
export function move(step, selector = ROWS) {
  const targets = [...document.querySelectorAll(selector)].filter((row) => row.offsetParent !== null);
  if (targets.length === 0) return;
  const here = document.activeElement;
  const after = (row) => Boolean(here.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
  const inPage = document.getElementById("content")?.contains(here);
  const next = step > 0
    ? targets.find((row) => !inPage || (row !== here && after(row)))
    : targets.filter((row) => inPage && row !== here && !after(row)).pop();
  if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
}

export function showKeys() {
  const sheet = document.getElementById("key-sheet");
  const filled = [...sections].filter(([, lines]) => lines.size > 0)
    .sort(([one], [other]) => FRAME.indexOf(one) - FRAME.indexOf(other)); // the page's own first
  sheet.querySelector(".sheet").replaceChildren(...filled.map(sectionOf));
  sheet.showModal();
}

function sectionOf([title, lines]) {
  const section = element("section", element("h3", title), element("dl"));
  for (const [names, description] of lines) {
    const keys = names.split(" ").flatMap((name) => caps(name));
    section.lastChild.append(element("dt", ...keys), element("dd", description));
  }
  return section;
}

function caps(name) {
  const parts = /^g.$/.test(name) ? [...name] : [SYMBOLS[name] ?? name];
  return parts.map((part) => element("kbd", part));
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

const follow = (page) => () => document.querySelector(`.rail [data-page="${page}"]`).click();

function openRange() {
  const menu = document.getElementById("range");
  menu.open = true;
  (menu.querySelector("a[aria-current]") ?? menu.querySelector("a")).focus();
}

export function startKeys(toggleLive) {
  document.addEventListener("keydown", onKey);
  const help = document.getElementById("help");
  help.hidden = false;
  help.addEventListener("click", showKeys);
  addKeys({
    "gs": ["services", follow("services")],
    "gm": ["map", follow("map")],
    "gt": ["traces", follow("traces")],
    "gl": ["logs", follow("logs")],
    "g,": ["settings", follow("settings")],
  }, "Go to");
  addKeys({
    "/": ["search", () => document.getElementById("find").focus()],
    ...document.getElementById("range") && { "r": ["time range", openRange] },
    ...document.body.dataset.live && { "p": ["pause or resume live", toggleLive] },
    "?": ["these keys", showKeys],
  }, "Everywhere");
  if (document.querySelector(ROWS)) {
    addKeys({ "j": ["next row", () => move(1)], "k": ["previous row", () => move(-1)] }, "Rows");
  }
}
