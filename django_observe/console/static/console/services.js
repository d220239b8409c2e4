// One service's charts: uPlot over what the server drew. A drag selects the time range.
import { colour, utc } from "./appearance.js";
import { addKeys, move } from "./keys.js";
import { setRange } from "./range.js";

const HEIGHT = 176;
const SERIES = {
  rate: [["rate", "--service", [], perSecond]],
  errors: [["errors", "--bad", [], percent]],
  durations: [["p50", "--faint", [], short], ["p95", "--service", [], short], ["p99", "--text", [3, 3], short]],
};
let drawn = [];

function draw() {
  for (const chart of drawn) chart.destroy();
  drawn = [];
  const data = document.getElementById("series");
  if (!data) return;
  const series = JSON.parse(data.textContent);
  for (const figure of document.querySelectorAll("[data-chart]")) drawn.push(chartOf(figure, series));
}

function chartOf(figure, series) {
  const place = figure.querySelector(".plot");
  const hue = figure.parentElement.className;
  const lines = SERIES[figure.dataset.chart];
  place.replaceChildren();
  const show = lines.at(-1)[3];
  const chart = new uPlot({
    width: place.clientWidth, height: HEIGHT, tzDate,
    cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: "service" }, points: { size: 6 } },
    padding: [10, 30, 0, 0],
    axes: [axis({ size: 26, splits: ({ data: [at] }) => [...new Set([at[0], at[at.length >> 1], at.at(-1)])], values: (_, times) => times.map(clock) }), axis({ size: 54, values: (_, values) => values.map(show) })],
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.1, figure.dataset.chart === "errors" ? 5 : 0) || 1] } },
    series: [{ label: "at", value: (_, time, __, place) => place === null ? "latest" : clock(time) }, ...lines.map((line) => lineOf(line, hue))],
    hooks: { setSelect: [select], ready: [(ready) => hold(ready.over, figure)] },
  }, [series.times, ...lines.map(([name]) => series[name])], place);
  return chart;
}

const tzDate = (time) => utc() ? uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000);

function axis(more) {
  const [text, line] = [colour("--faint"), colour("--line-soft")];
  return { stroke: text, font: "11px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false }, gap: 4, ...more };
}

function lineOf([name, token, dash, show], hue) {
  return {
    label: name, spanGaps: true, stroke: colour(token, hue), dash, width: 1.5,
    fill: name === "rate" || name === "errors" ? colour(name === "rate" ? "--service-tint" : "--bad-soft", hue) : undefined,
    points: { show: (chart, _, first, last) => last - first < 2 },
    value: (chart, value, number, place) => told(place === null ? chart.data[number].findLast((one) => one !== null) : value, show),
  };
}

// The legend has what is under the pointer, or else the latest.
const told = (value, show) => value === null || value === undefined ? "none" : show(value);

function select(chart) {
  const { left, width } = chart.select;
  if (width > 4) setRange(chart.posToVal(left, "x") * 1000, chart.posToVal(left + width, "x") * 1000);
}

// What is being dragged over must not be replaced by what has just arrived.
function hold(over, figure) {
  over.addEventListener("mousedown", () => {
    figure.dataset.hold = "";
    addEventListener("mouseup", () => { delete figure.dataset.hold; }, { once: true });
  });
}

function clock(time) {
  return tzDate(time).toLocaleTimeString("en-GB");
}

function perSecond(value) {
  return value >= 10 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

function percent(value) {
  return `${Number(value.toPrecision(3))} %`;
}

function short(milliseconds) {
  if (milliseconds >= 1000) return `${Number((milliseconds / 1000).toPrecision(3))} s`;
  return milliseconds >= 1 || !milliseconds ? `${Number(milliseconds.toPrecision(3))} ms` : `${Math.round(milliseconds * 1000)} µs`;
}

const ROWS = "#content a.op, #content summary";
addKeys({ "j": ["next operation or statement", () => move(1, ROWS)], "k": ["previous one", () => move(-1, ROWS)] }, "Rows");
draw();
document.addEventListener("appearance", draw);
document.addEventListener("observe:refreshed", ({ detail }) => { if (detail.regions.includes("content")) draw(); });
addEventListener("resize", () => {
  for (const chart of drawn) chart.setSize({ width: chart.root.parentElement.clientWidth, height: HEIGHT });
});
