// Keys of all pages; the sheet behind ? lists them.
const ROWS = "#content summary, #content a.summary, #content a.cover";
let prefix = "";

export function onKey(event, toggleLive) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const chord = prefix + event.key;
  prefix = event.key === "g" ? "g" : "";
  const action = actions(toggleLive)[chord];
  if (action) { event.preventDefault(); action(); }
}

function actions(toggleLive) {
  return {
    "j": () => move(1, ROWS),
    "k": () => move(-1, ROWS),
    "e": () => move(1, ".line.error summary, .line.error a.summary, .lv-ERROR summary, .lv-ERROR a.summary"),
    "E": () => move(-1, ".line.error summary, .line.error a.summary, .lv-ERROR summary, .lv-ERROR a.summary"),
    "l": () => document.body.classList.toggle("hide-logs"),
    "p": toggleLive,
    "/": () => document.getElementById("find").focus(),
    "?": () => document.getElementById("keys").showModal(),
    "gt": () => location.assign("/traces"),
    "gl": () => location.assign("/logs"),
  };
}

// The next match after the focused row in document order, so that jumping to errors starts where one is.
function move(step, selector) {
  const targets = [...document.querySelectorAll(selector)].filter((row) => row.offsetParent !== null);
  if (targets.length === 0) return;
  const here = document.activeElement;
  const after = (row) => Boolean(here.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
  const inPage = document.getElementById("content").contains(here);
  const next = step > 0
    ? targets.find((row) => !inPage || (row !== here && after(row)))
    : targets.filter((row) => inPage && row !== here && !after(row)).pop();
  if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
}
