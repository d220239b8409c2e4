// The map: dagre lays the nodes out in layers, this draws them as SVG. Nodes and edges are links.
import { addKeys, move } from "./keys.js";

const SPACE = "http://www.w3.org/2000/svg";
const NARROW = 640;
const SMALLEST = 0.75;
const ICONS = {
  service: "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
  db: "M4 6c0-4 16-4 16 0s-16 4-16 0v12c0 4 16 4 16 0V6",
  messaging: "M3 7h18v10H3zM9 7v10M15 7v10",
  host: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c-5 5-5 13 0 18 5-5 5-13 0-18",
  client: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 21c1-9 15-9 16 0",
};

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function draw() {
  const place = document.getElementById("map");
  const data = document.getElementById("graph");
  if (!place || !data) return;
  const { nodes, edges } = JSON.parse(data.textContent);
  const narrow = place.clientWidth < NARROW;
  const laid = layOut(nodes, edges, narrow);
  const { width, height } = laid.graph();
  const scale = Math.max(Math.min(1, (place.clientWidth - 2) / width), SMALLEST);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: width * scale, height: height * scale },
    svg("defs", {}, arrow("arrow"), arrow("arrow-failing")));
  const ways = route(edges, laid, narrow ? "x" : "y");
  for (const edge of edges) picture.append(edgeOf(edge, laid.edge(edge.from, edge.to, edge.type), ways.get(edge), narrow));
  const along = narrow ? ["y", "x"] : ["x", "y"];
  const spot = (node) => along.map((axis) => laid.node(node.id)[axis]);
  nodes.sort((one, other) => spot(one)[0] - spot(other)[0] || spot(one)[1] - spot(other)[1]);
  for (const node of nodes) picture.append(nodeOf(node, laid.node(node.id), node.id === place.dataset.chosen));
  const seen = { left: place.scrollLeft, top: place.scrollTop };
  place.replaceChildren(picture);
  const shown = nodes.find((node) => node.id === place.dataset.chosen) ?? nodes[0];
  if (seen.left || seen.top) place.scrollTo(seen);
  else if (shown) place.scrollTo(laid.node(shown.id).x * scale - place.clientWidth / 2, 0);
}

function layOut(nodes, edges, narrow) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: narrow ? "TB" : "LR", nodesep: 28, ranksep: narrow ? 36 : 60, edgesep: 24, marginx: 16, marginy: 16 });
  for (const node of nodes) {
    const text = Math.max(Math.min(node.title.length, 22) * 8.2 + (node.errors ? 52 : 0), node.told.length * 6.1, Math.min(node.detail.length, 26) * 6.3);
    graph.setNode(node.id, { width: Math.ceil(text) + 62, height: node.detail ? 66 : 52 });
  }
  // All labels are equally wide: lines rise and fall before and after them.
  const width = Math.max(...edges.map((edge) => Math.max(edge.label.length, edge.time.length))) * 5.9 + 12;
  for (const edge of edges) graph.setEdge(edge.from, edge.to, { width, height: 32, labelpos: narrow ? "r" : "c", weight: edge.queue ? 1 : 2 }, edge.type);
  dagre.layout(graph);
  return graph;
}

function arrow(id) {
  return svg("marker", { id, class: id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" },
    svg("path", { d: "M0 0 8 4 0 8z" }));
}

function edgeOf(edge, laid, path, narrow) {
  const kind = `edge${edge.queue ? " queue" : ""}${edge.failing ? " failing" : ""}`;
  const marker = `url(#arrow${edge.failing ? "-failing" : ""})`;
  const at = narrow ? { x: laid.x - laid.width / 2, "text-anchor": "start" } : { x: laid.x, "text-anchor": "middle" };
  const group = svg("a", { class: kind, href: edge.href, "aria-label": `${edge.from} calls ${edge.to}: ${edge.label} ${edge.time}` },
    svg("path", { class: "reach", d: path }),
    svg("path", { class: "way", d: path, "stroke-width": 1.5 + 3.5 * edge.weight, "marker-end": marker }),
    svg("text", { ...at, y: laid.y - (narrow ? 3 : 6) }, edge.label));
  if (edge.time) group.append(svg("text", { ...at, class: "time", y: laid.y + (narrow ? 11 : 15) }, edge.time));
  return group;
}

// Edges run level along labels, between their two lines or beside them, from and to a place of their own at each node's side.
function route(edges, laid, across) {
  const along = across === "y" ? "x" : "y";
  const [starts, ends] = [portsOf("from", "to", edges, laid, across), portsOf("to", "from", edges, laid, across)];
  const labels = edges.map((edge) => laid.edge(edge.from, edge.to, edge.type));
  const ranks = new Set(labels.map((label) => label[along]));
  const half = (labels[0]?.[along === "x" ? "width" : "height"] ?? 0) / 2;
  return new Map(edges.map((edge) => {
    const { points } = laid.edge(edge.from, edge.to, edge.type);
    const [first, last] = [starts.get(edge), ends.get(edge)];
    const step = last[along] < first[along] ? -half : half;
    const inner = points.slice(1, -1).flatMap((point) => ranks.has(point[along])
      ? [-step, step].map((by) => ({ ...point, [along]: point[along] + by })) : [point]);
    return [edge, curve([first, ...inner, last], along)];
  }));
}

// Where edges meet their node's side, in the order of where they come from or go to.
function portsOf(end, far, edges, laid, across) {
  const [along, length, breadth] = across === "y" ? ["x", "height", "width"] : ["y", "width", "height"];
  const label = (edge) => laid.edge(edge.from, edge.to, edge.type)[across] ?? 0;
  const ports = new Map();
  for (const edge of edges) {
    const node = laid.node(edge[end]);
    const side = sideOf(edge);
    const group = edges.filter((other) => other[end] === edge[end] && sideOf(other) === side);
    const place = group.sort((one, other) => label(one) - label(other)).indexOf(edge) - (group.length - 1) / 2;
    const gap = Math.min(14, (node[length] - 20) / Math.max(group.length - 1, 1));
    ports.set(edge, { [along]: node[along] + side * node[breadth] / 2, [across]: node[across] + place * gap });
  }
  return ports;

  function sideOf(edge) {
    return laid.node(edge[far])[along] >= laid.node(edge[end])[along] ? 1 : -1;
  }
}

function curve([first, ...rest], along) {
  let path = `M${first.x} ${first.y}`;
  let last = first;
  for (const point of rest) {
    const middle = (last[along] + point[along]) / 2;
    path += along === "x" ? `C${middle} ${last.y} ${middle} ${point.y} ${point.x} ${point.y}` : `C${last.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`;
    last = point;
  }
  return path;
}

function nodeOf(node, { x, y, width, height }, chosen) {
  const [left, top] = [x - width / 2, y - height / 2];
  const group = svg("a", {
    class: `node ${node.kind}${node.hue >= 0 ? ` hue-${node.hue}` : ""}${node.errors ? " failing" : ""}`, href: node.href,
    "aria-label": `${node.kind} ${node.title} ${node.detail}: ${node.told}${node.errors ? `, ${node.errors} errors` : ""}`,
    ...(chosen ? { "aria-current": "true" } : {}),
  });
  const middle = top + height / 2;
  group.append(
    svg("title", {}, `${node.title} ${node.detail}`.trim()),
    svg("rect", { class: "box", x: left, y: top, width, height, rx: 10 }),
    svg("circle", { class: "ring", cx: left + 27, cy: middle, r: 17 }),
    svg("circle", { class: "share", cx: left + 27, cy: middle, r: 17, pathLength: 100, "stroke-dasharray": `${Math.max(node.share, node.share ? 4 : 0)} 100`, transform: `rotate(-90 ${left + 27} ${middle})` }),
    svg("path", { class: "icon", d: ICONS[node.kind], transform: `translate(${left + 18} ${middle - 9}) scale(0.75)` }),
    svg("text", { class: "title", x: left + 52, y: top + 22 }, cut(node.title, 22)),
    svg("text", { class: "told", x: left + 52, y: top + height - 14 }, node.told));
  if (node.detail) group.append(svg("text", { class: "told", x: left + 52, y: top + 37 }, cut(node.detail, 26)));
  if (node.errors) group.append(svg("text", { class: "errors", x: left + width - 10, y: top + 22 }, `× ${node.errors}`));
  return group;
}

draw();
document.addEventListener("observe:refreshed", ({ detail }) => { if (detail.regions.includes("content")) draw(); });
addEventListener("resize", draw);
addKeys({
  "j": ["next part", () => move(1, "#map .node")],
  "k": ["previous part", () => move(-1, "#map .node")],
  "Enter": ["about the part, or the traces of a line", () => false],
  "Escape": ["close what is told of a part", () => document.querySelector(".panel .close")?.click()],
}, "Map");
