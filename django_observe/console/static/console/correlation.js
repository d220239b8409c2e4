// The pointer or the focus on a step or a log line shows its moment in the picture, and the other way round.
// Listeners sit on the document: live replaces what they point at.
import { addKeys } from "./keys.js";
import { dragRange } from "./drag.js";

const lit = [];

// On the page of a trace [ and ] lead to its neighbours of this story.
const traces = document.getElementById("timeline")?.dataset.traces.trim().split(" ") ?? [];
try { sessionStorage.setItem("observe.traces", JSON.stringify(traces)); } catch { /* storage is blocked */ }

function clear() {
  for (const one of lit.splice(0)) one.classList.remove("lit");
  document.getElementById("cursor")?.setAttribute("visibility", "hidden");
}

function light(...found) {
  for (const one of found) if (one) { one.classList.add("lit"); lit.push(one); }
}

function point(target) {
  clear();
  const bar = target.closest?.("[data-step]");
  if (bar) {
    const step = CSS.escape(bar.dataset.step);
    light(bar, document.getElementById(`step-${bar.dataset.step}`), ...document.querySelectorAll(`.loglines [data-at="${step}"]`));
    return;
  }
  const row = target.closest?.("[data-x]");
  const cursor = document.getElementById("cursor");
  if (!row || !cursor) return;
  cursor.setAttribute("x1", `${row.dataset.x}%`);
  cursor.setAttribute("x2", `${row.dataset.x}%`);
  cursor.setAttribute("visibility", "visible");
  if (row.dataset.at) light(document.querySelector(`[data-step="${CSS.escape(row.dataset.at)}"]`));
}

document.addEventListener("pointerover", (event) => point(event.target));
document.addEventListener("focusin", (event) => point(event.target));

// data-stretches has x, width (percent), start and end (microseconds) of each part of the axis.
function moment(share) {
  const stretches = document.getElementById("timeline").dataset.stretches.trim().split(";").map((one) => one.split(",").map(Number));
  const x = Math.min(Math.max(share * 100, stretches[0][0]), stretches.at(-1)[0] + stretches.at(-1)[1]);
  const [left, width, start, end] = stretches.find(([from, length]) => x <= from + length) ?? stretches.at(-1);
  return start + ((x - left) / width) * (end - start);
}

dragRange("timeline", (from, to) => {
  const address = new URL(location.href);
  address.searchParams.set("zoom", `${Math.floor(moment(from))}-${Math.ceil(moment(to))}`);
  address.searchParams.delete("from_line");
  address.hash = "";
  location.assign(address);
});

addKeys({
  "z": ["the whole story again", () => document.querySelector(".zoomed a")?.click()],
  "c": ["copy the story as text", () => document.querySelectorAll(".head [data-copy]")[1]?.click()],
  "s": ["steps", () => document.getElementById("steps")?.scrollIntoView()],
  "l": ["log lines", () => document.getElementById("lines")?.scrollIntoView()],
});
