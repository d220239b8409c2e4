// Live pages: the server says that something was stored, the page fetches itself and swaps its regions.
// A region is an element with an id and data-refresh. What is being read does not move: a bar offers it instead.
// The page is parsed by XMLHttpRequest: a document whose scripts never run, and no HTML sink is touched.
import { follow } from "./stream.js";
import { addKeys } from "./keys.js";
import { counted, hideBar, showBar } from "./newer.js";

const PERIOD_MS = 1000;
const button = document.getElementById("live");
const label = document.getElementById("live-text");
let live = true;
let etag = document.body.dataset.live;
let waiting = null;
let asked = false;
let due = 0;
let stream = null;
let leaving = false;

export const isLive = () => live;

export function startLive() {
  showCopyButtons();
  if (!etag) return;
  button.hidden = false;
  button.addEventListener("click", toggleLive);
  if (document.querySelector("[data-row]")) addKeys({ "n": ["show what is new", showNew] }, "Rows");
  document.addEventListener("visibilitychange", listen);
  addEventListener("submit", (event) => { leaving = !event.defaultPrevented && event.target.method !== "dialog"; });
  addEventListener("pageshow", () => { leaving = false; });
  setInterval(every, PERIOD_MS);
  listen();
}

export function toggleLive() {
  if (waiting && live) { showNew(); return; }
  live = !live;
  if (live && waiting) showNew();
  listen();
  tell();
}

export function showNew() {
  if (!waiting) return false;
  const fresh = waiting;
  waiting = null;
  show(fresh, () => true);
  const rows = document.querySelector("[data-refresh]:has([data-row])");
  if (rows?.getBoundingClientRect().top < 0) rows.scrollIntoView({ block: "start" });
  return true;
}

// Neither a hidden nor a paused page holds a connection.
function listen() {
  const wanted = live && !document.hidden;
  if (wanted && !stream) stream = follow(heard, tell);
  else if (!wanted && stream) { stream.close(); stream = null; }
}

function heard(message) {
  const traces = [...document.querySelectorAll("[data-refresh][data-trace]")].map((one) => one.dataset.trace);
  const ofOthers = message.traces?.length && !message.more && traces.length
    && !traces.some((trace) => message.traces.includes(trace));
  if (!ofOthers) ask();
}

// Windows that move with time change also when nothing arrives; what was held is shown once nobody reads it.
function every() {
  if (waiting && live && ![...document.querySelectorAll("[data-refresh]")].some(isBeingRead)) showNew();
  due += PERIOD_MS;
  const seconds = Number(document.querySelector("[data-refresh][data-every]")?.dataset.every);
  if (seconds && due >= seconds * 1000 && live && !document.hidden) ask();
}

// At most one request at a time and one a second; what was heard meanwhile is asked for afterwards.
function ask() {
  if (asked) { asked = "again"; return; }
  asked = true;
  due = 0;
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.timeout = 10000;
  request.setRequestHeader("If-None-Match", etag);
  request.onload = () => {
    if (request.status !== 200 || !request.response) return;
    etag = request.getResponseHeader("ETag") ?? etag;
    receive(request.response);
  };
  request.onloadend = () => setTimeout(() => {
    const again = asked === "again";
    asked = false;
    if (again && live) ask();
  }, PERIOD_MS);
  request.send();
}

function receive(fresh) {
  if (leaving) return; // a form is on its way: a reload would call it back
  if (isEmpty(fresh) !== isEmpty(document)) { location.reload(); return; } // other regions and modules
  const held = [...document.querySelectorAll("[data-refresh]")].filter((region) => !live || isBeingRead(region));
  const late = held.some((region) => differs(region, fresh));
  waiting = late ? fresh : null;
  show(fresh, (region) => !held.includes(region));
}

const isEmpty = (page) => page.querySelector("main .empty") !== null;

const differs = (region, fresh) => fresh.getElementById(region.id)?.textContent !== region.textContent;

// What is under the pointer, in focus, selected, opened, held by a script or scrolled into must not move.
function isBeingRead(region) {
  const selected = getSelection();
  return region.contains(document.activeElement)
    || region.matches("[data-hold]")
    || region.querySelector("details[open], [data-hold], li:hover, tbody tr:hover, [data-row]:hover") !== null
    || (region.querySelector("[data-row]") !== null && region.getBoundingClientRect().top < 0)
    || (selected !== null && !selected.isCollapsed && region.contains(selected.anchorNode));
}

function show(fresh, wanted) {
  const regions = [...document.querySelectorAll("[data-refresh]")].filter(wanted);
  const swapped = regions.filter((region) => swap(region, fresh.getElementById(region.id))).map(({ id }) => id);
  showCopyButtons();
  tell();
  if (swapped.length) document.dispatchEvent(new CustomEvent("observe:refreshed", { detail: { regions: swapped } }));
}

function swap(before, after) {
  if (!after || before.tagName !== after.tagName || before.isEqualNode(after)) return false;
  before.replaceWith(document.adoptNode(after));
  return true;
}

function tell() {
  if (waiting) showBar(counted(waiting), showNew); else hideBar();
  button.setAttribute("aria-pressed", String(live));
  label.textContent = !live ? "Paused" : stream?.lost() ? "Not reachable" : "Live";
}

function showCopyButtons() {
  for (const copy of document.querySelectorAll("[data-copy]")) copy.hidden = !navigator.clipboard;
}
