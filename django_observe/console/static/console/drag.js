// A drag over the .plot of a picture chooses a part of it: choose(from, to) gets shares of its width, 0 to 1.
// Listeners sit on the document: live replaces the picture.
const LEAST_PIXELS = 6;
let from = null;

export function dragRange(id, choose) {
  document.addEventListener("pointerdown", (event) => begin(event, id));
  document.addEventListener("pointermove", (event) => draw(event, id));
  document.addEventListener("pointerup", (event) => end(event, id, choose));
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(`#${id}`)) event.preventDefault(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(id); });
  for (const tip of document.querySelectorAll(`#${id} .tip`)) tip.hidden = false;
  document.addEventListener("observe:refreshed", () => {
    for (const tip of document.querySelectorAll(`#${id} .tip`)) tip.hidden = false;
  });
}

const plotOf = (id) => document.querySelector(`#${id} .plot`);

function begin(event, id) {
  const plot = plotOf(id);
  if (event.button !== 0 || event.pointerType === "touch" || !plot?.contains(event.target)) return;
  from = event.clientX;
  document.getElementById(id).setAttribute("data-hold", "");
}

function draw(event, id) {
  if (from === null || !plotOf(id)) return;
  const box = plotOf(id).getBoundingClientRect();
  const [left, right] = ends(event, box);
  const chosen = plotOf(id).querySelector(".chosen");
  chosen.hidden = right - left < LEAST_PIXELS;
  chosen.style.left = `${left}px`;
  chosen.style.width = `${right - left}px`;
}

function end(event, id, choose) {
  if (from === null || !plotOf(id)) return;
  const box = plotOf(id).getBoundingClientRect();
  const [left, right] = ends(event, box);
  stop(id);
  if (right - left < LEAST_PIXELS) return;
  document.addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
  choose(left / box.width, right / box.width);
}

// Milliseconds at a share of a picture that has data-since and data-until, and a hundredth of its width at each end.
export function timeAt(id, share) {
  const since = Number(document.getElementById(id).dataset.since);
  const until = Number(document.getElementById(id).dataset.until);
  return Math.min(Math.max(since + ((share - 0.01) / 0.98) * (until - since), since), until);
}

function stop(id) {
  from = null;
  document.getElementById(id)?.removeAttribute("data-hold");
  const chosen = plotOf(id)?.querySelector(".chosen");
  if (chosen) chosen.hidden = true;
}

function ends(event, box) {
  const within = (x) => Math.min(Math.max(x - box.left, 0), box.width);
  return [within(Math.min(from, event.clientX)), within(Math.max(from, event.clientX))];
}
