// Polls the page's own address; the server answers 304 while nothing has arrived.
// The answer is parsed by XMLHttpRequest: a document whose scripts never run, and no HTML sink is touched.
const PERIOD_MS = 2000;
const button = document.getElementById("live");
const label = document.getElementById("live-text");
let live = true;
let etag = document.body.dataset.live;
let waiting = null;

export function startLive() {
  showCopyButtons();
  if (!etag) return;
  button.hidden = false;
  button.addEventListener("click", toggleLive);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  setInterval(() => { if (live && !document.hidden) poll(); }, PERIOD_MS);
}

export function toggleLive() {
  if (waiting) { show(waiting); return; }
  live = !live;
  tell();
}

function poll() {
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.timeout = 5000;
  request.setRequestHeader("If-None-Match", etag);
  request.onload = () => {
    if (request.status !== 200 || !request.response) return;
    etag = request.getResponseHeader("ETag");
    if (live && !isBeingRead()) show(request.response);
    else { waiting = request.response; tell(); }
  };
  request.send();
}

// What is under the pointer, in focus, selected or opened must not move.
function isBeingRead() {
  const content = document.getElementById("content");
  const selected = getSelection();
  return content !== null && (
    content.contains(document.activeElement) ||
    content.querySelector("details[open]") !== null ||
    content.querySelector("li:hover, tbody tr:hover") !== null ||
    (selected !== null && !selected.isCollapsed && content.contains(selected.anchorNode))
  );
}

function show(fresh) {
  waiting = null;
  const before = document.getElementById("content");
  const after = fresh.getElementById("content");
  if (before && after && before.tagName === after.tagName) {
    before.replaceWith(document.adoptNode(after));
    const foot = fresh.getElementById("foot");
    if (foot) document.getElementById("foot").replaceWith(document.adoptNode(foot));
  } else {
    const main = fresh.getElementById("main");
    if (main) document.getElementById("main").replaceWith(document.adoptNode(main));
  }
  showCopyButtons();
  tell();
}

function tell() {
  button.setAttribute("aria-pressed", String(live && !waiting));
  label.textContent = waiting ? "New data: show" : live ? "Live" : "Paused";
}

function showCopyButtons() {
  for (const copy of document.querySelectorAll("[data-copy]")) copy.hidden = !navigator.clipboard;
}
