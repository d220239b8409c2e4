// Dragging over the map zooms; the pointer over the waterfall shows the time under it.
export function startTimeline(zoom) {
  document.addEventListener("pointerdown", (event) => {
    const map = event.target.closest(".map");
    if (map && event.button === 0) choose(map, event, zoom);
  });
  document.addEventListener("pointermove", (event) => {
    const lane = event.target.closest?.(".wf tbody tr")?.querySelector(".lane");
    point(lane, event.clientX);
  });
}

function choose(map, event, zoom) {
  const box = map.getBoundingClientRect();
  const share = (x) => Math.min(Math.max((x - box.left) / box.width, 0), 1);
  const from = share(event.clientX);
  const chosen = document.createElement("div");
  chosen.className = "chosen";
  map.append(chosen);
  map.dataset.hold = "";
  map.setPointerCapture(event.pointerId);
  map.onpointermove = (moved) => {
    const to = share(moved.clientX);
    chosen.style.left = `${Math.min(from, to) * 100}%`;
    chosen.style.width = `${Math.abs(to - from) * 100}%`;
  };
  map.onpointerup = (ended) => {
    const [first, last] = [from, share(ended.clientX)].sort((one, other) => one - other);
    map.onpointermove = map.onpointerup = null;
    delete map.dataset.hold;
    chosen.remove();
    const length = Number(map.dataset.us);
    zoom((last - first) * box.width < 5 ? null : [Math.floor(first * length), Math.ceil(last * length)]);
  };
}

function point(lane, x) {
  const table = document.querySelector(".wf");
  if (!table) return;
  const line = table.querySelector(".now") ?? table.appendChild(document.createElement("div"));
  const box = lane?.getBoundingClientRect();
  const inside = box && x >= box.left && x <= box.right;
  line.className = "now";
  line.hidden = !inside;
  if (!inside) return;
  line.style.transform = `translateX(${x - table.getBoundingClientRect().left}px)`;
  line.dataset.at = time(Number(table.dataset.from) + (Number(table.dataset.shown) * (x - box.left)) / box.width);
}

function time(us) {
  const [size, unit] = us >= 1e6 ? [1e6, "s"] : us >= 1e3 ? [1e3, "ms"] : [1, "µs"];
  return `${Number((us / size).toPrecision(3))} ${unit}`;
}
