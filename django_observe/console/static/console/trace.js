// A trace by keyboard and without reloading. Every view of it is an address; this only gets there quicker.
import { addKeys } from "./keys.js";
import { startPane } from "./pane.js";
import { startTimeline } from "./timeline.js";
import { visit } from "./visit.js";

const ERROR = ".error, .lv-ERROR, .lv-CRITICAL";
const LIST = "observe.traces"; // IDs in the order of the list that was last looked at
let soon = 0;

const here = () => new URL(location.href);
const focused = () => document.activeElement?.closest("#rows tr");
const paneIsOpen = () => !document.getElementById("pane").hidden;

function go(href, only) {
  const target = new URL(href, location.href);
  const shut = here().searchParams.get("shut");
  target.hash = "";
  if (shut) target.searchParams.set("shut", shut); else target.searchParams.delete("shut");
  visit(target, only);
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (!link?.getAttribute("href")) return false;
  go(link.href);
  return true;
}

// Selects the row: in the address, in the table, in the pane.
function select(row) {
  const [kind, identity] = row.id.split("-");
  const url = here();
  url.searchParams.delete("span");
  url.searchParams.delete("log");
  url.searchParams.set(kind === "s" ? "span" : "log", identity);
  for (const other of document.querySelectorAll("#rows [aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  go(url, "pane");
}

function closePane() {
  if (!paneIsOpen()) return false;
  const url = here();
  url.searchParams.delete("span");
  url.searchParams.delete("log");
  const row = document.querySelector("#rows [aria-current]");
  row?.removeAttribute("aria-current");
  row?.querySelector(".row")?.focus({ preventScroll: true });
  go(url, "pane");
  return true;
}

// Goes from row to row: with thousands of them none but the next is looked at.
function walk(by, selector) {
  const rows = document.getElementById("rows").rows;
  const fits = (row) => row.matches(selector) && row.querySelector(".row") && !row.matches(".folded-away");
  let row = focused();
  if (!row) row = by > 0 ? rows[0] : rows[rows.length - 1];
  else row = by > 0 ? row.nextElementSibling : row.previousElementSibling;
  while (row && !fits(row)) row = by > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (!row) { follow(by > 0 ? ".more [rel=next]" : ".more [rel=prev]"); return; }
  row.querySelector(".row").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by, selector = "tr") {
  if (!document.getElementById("rows")) return;
  walk(by, selector);
  const row = focused();
  clearTimeout(soon);
  if (row && paneIsOpen() && /^(s|log)-/.test(row.id) && !row.classList.contains("linked")) {
    soon = setTimeout(() => select(row), 120);
  }
}

// What is below closed rows is hidden here; the server leaves it out of what it sends next.
function toggle(row) {
  const caret = row.querySelector("a.caret");
  const below = row.nextElementSibling;
  const sent = below && Number(below.dataset.d) > Number(row.dataset.d);
  const url = here();
  const shut = new Set((url.searchParams.get("shut") ?? "").split(".").filter(Boolean));
  const identity = row.id.slice(2);
  if (!shut.delete(identity)) shut.add(identity);
  if (shut.size) url.searchParams.set("shut", [...shut].join(".")); else url.searchParams.delete("shut");
  if (!sent) { visit(url); return; }
  history.replaceState(null, "", url);
  caret.setAttribute("aria-expanded", String(!row.classList.toggle("closed")));
  hideBelowClosed();
}

function hideBelowClosed() {
  let limit = Infinity;
  for (const row of document.getElementById("rows").rows) {
    const depth = Number(row.dataset.d);
    row.classList.toggle("folded-away", depth > limit);
    if (depth <= limit) limit = row.classList.contains("closed") ? depth : Infinity;
  }
}

function fold(row, wantClosed) {
  const isClosed = row.classList.contains("closed");
  const canToggle = row.querySelector(".caret") !== null;
  if (canToggle && isClosed !== wantClosed) {
    if (row.classList.contains("fold")) go(row.querySelector(".row").href); else toggle(row);
  } else if (wantClosed) {
    let above = row;
    while (above && Number(above.dataset.d) >= Number(row.dataset.d)) above = above.previousElementSibling;
    above?.querySelector(".row")?.focus();
  } else if (canToggle) {
    walk(1, "tr");
  }
}

const withRow = (action) => () => { const row = focused(); return row ? action(row) : false; };

function zoom(range) {
  const url = here();
  if (range) url.searchParams.set("zoom", range.join("-")); else url.searchParams.delete("zoom");
  if (url.href !== location.href) go(url);
}

function zoomTo(row) {
  const bar = row.querySelector(".b, .g");
  const { from, shown } = document.querySelector(".wf").dataset;
  if (!bar) return;
  const at = (percent) => Number(from) + (Number(shown) * percent) / 100;
  const start = bar.x.baseVal.valueInSpecifiedUnits;
  const end = start + bar.width.baseVal.valueInSpecifiedUnits;
  zoom([Math.floor(at(start)), Math.max(Math.ceil(at(end)), Math.floor(at(start)) + 1)]);
}

function copy(row) {
  const text = row.id.startsWith("log-") ? row.querySelector(".msg").textContent : row.id.slice(2);
  navigator.clipboard?.writeText(text).then(() => {
    const told = document.createElement("span");
    told.className = "tag";
    told.textContent = "copied";
    row.cells[0].append(told);
    setTimeout(() => told.remove(), 1500);
  });
}

function nextLogs() {
  const choices = [...document.querySelectorAll(".choice[aria-label='Log lines'] a")];
  const current = choices.findIndex((choice) => choice.hasAttribute("aria-current"));
  go(choices[(current + 1) % choices.length].href);
}

function neighbour(by, selector) {
  const list = JSON.parse(sessionStorage.getItem(LIST) ?? "[]");
  const place = list.indexOf(location.pathname.split("/").pop().toLowerCase());
  const next = place < 0 ? undefined : list[place + by];
  if (next) location.assign(`/trace/${next}`);
  else document.querySelector(`${selector}[href]`)?.click();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#content a[href^='?']");
  if (!link || link.closest(".tabs") || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const row = link.closest("tr");
  if (link.closest(".grid") && !(row.id && link.matches(".row"))) return;
  event.preventDefault();
  if (link.matches(".shut")) closePane();
  else if (link.matches(".caret")) toggle(row);
  else if (link.matches(".row") && row.id && !row.id.startsWith("f-")) select(row);
  else go(link.href);
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".within")) return;
  event.preventDefault();
  const url = new URL(location.href);
  const words = document.getElementById("within").value.trim();
  if (words) url.searchParams.set("q", words); else url.searchParams.delete("q");
  document.getElementById("within").blur();
  go(url);
});

addKeys({
  "j ArrowDown": ["next line", () => step(1)],
  "k ArrowUp": ["previous line", () => step(-1)],
  "h ArrowLeft": ["close, or go up", withRow((row) => fold(row, true))],
  "l ArrowRight": ["open, or go down", withRow((row) => fold(row, false))],
  "Enter": ["what it is, in the pane", () => false],
  "Escape": ["close the pane, zoom out", () => closePane() || zoom(null)],
  "e": ["next error", () => step(1, ERROR)],
  "E": ["previous error", () => step(-1, ERROR)],
  "/": ["search in this trace", () => (document.getElementById("within") ?? document.getElementById("find")).focus()],
  "n": ["next found", () => step(1, ".hit")],
  "N": ["previous found", () => step(-1, ".hit")],
  "c": ["critical path", () => follow("#path")],
  "z": ["zoom to the line", withRow(zoomTo)],
  "L": ["log lines: all, warnings, none", nextLogs],
  "y": ["copy the span ID", withRow(copy)],
  "[": ["previous trace of the list", () => neighbour(-1, "#older")],
  "]": ["next trace of the list", () => neighbour(1, "#newer-trace")],
}, "This trace");
startPane();
startTimeline(zoom);
document.querySelector("#rows [aria-current]")?.scrollIntoView({ block: "center" });
