// The pane beside a trace: its width, its attribute filter, its buttons to copy.
const KEY = "observe.pane";
const STEP = 24;

export function startPane() {
  setWidth(Number(localStorage.getItem(KEY)));
  ready();
  document.addEventListener("observe:refreshed", ready);
  document.addEventListener("pointerdown", grip);
  document.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
    if (steps && event.target.matches(".grip")) { setWidth(width() + steps); event.stopPropagation(); }
  }, true);
  document.addEventListener("input", (event) => { if (event.target.id === "narrow") narrow(event.target); });
}

function ready() {
  for (const copy of document.querySelectorAll("#content [data-copy]")) copy.hidden = !navigator.clipboard;
  const input = document.getElementById("narrow");
  if (input) input.hidden = document.querySelectorAll("#pane .group div").length < 8;
}

const width = () => document.getElementById("pane").getBoundingClientRect().width;

function setWidth(pixels) {
  if (!pixels) return;
  const kept = Math.round(Math.min(Math.max(pixels, 280), innerWidth * 0.6));
  document.documentElement.style.setProperty("--pane", `${kept}px`);
  document.querySelector(".grip")?.setAttribute("aria-valuenow", kept);
  localStorage.setItem(KEY, kept);
}

function grip(event) {
  if (!event.target.matches(".grip")) return;
  const right = document.getElementById("pane").getBoundingClientRect().right;
  const handle = event.target;
  handle.setPointerCapture(event.pointerId);
  handle.onpointermove = (moved) => setWidth(right - moved.clientX);
  handle.onpointerup = () => { handle.onpointermove = null; };
  event.preventDefault();
}

function narrow(input) {
  const wanted = input.value.toLowerCase();
  for (const line of document.querySelectorAll("#pane .group div")) {
    line.hidden = !line.textContent.toLowerCase().includes(wanted);
  }
}
