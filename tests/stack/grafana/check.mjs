// Reads {"dashboards": {name: dashboard}, "logql": [query]} and answers
// {"faults": [text], "labels": [[label]]}: the labels of each query, in the order of the queries.
import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";
import Ajv from "ajv";

const { schemas } = JSON.parse(readFileSync(new URL("schema.json", import.meta.url), "utf8"));

// What Prometheus' annotations have besides (packages/grafana-prometheus/src/annotations.tsx); the raw type
// of annotation queries lists the common fields only.
const PROMETHEUS_ANNOTATION = ["expr", "step", "tagKeys", "textFormat", "titleFormat"];
for (const name of PROMETHEUS_ANNOTATION) {
  schemas.Dashboard.definitions.AnnotationQuery.properties[name] = { type: "string" };
}

const ajv = new Ajv({ allErrors: true, strict: false });
const validators = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));

function hold(value, name, where, faults) {
  const valid = validators[name];
  if (!valid || value === undefined || valid(value)) return;
  for (const { instancePath, message, params } of valid.errors) {
    faults.push(`${where}${instancePath} ${message} ${JSON.stringify(params)}`);
  }
}

function holdDashboard(name, dashboard, faults) {
  const { panels, ...rest } = dashboard;
  hold({ ...rest, panels: [] }, "Dashboard", name, faults);
  for (const panel of panels) {
    const where = `${name}: ${panel.title}: `;
    hold({ ...rest, panels: [panel] }, "Dashboard", where, faults);
    hold(panel.options, `${panel.type}.Options`, `${where}options`, faults);
    hold(panel.fieldConfig?.defaults?.custom, `${panel.type}.FieldConfig`, `${where}custom`, faults);
  }
}

// Labels stand in matchers, in label filters, in groupings, and after unwrap.
const LABEL_PARENTS = new Set(["Matcher", "Labels", "UnwrapExpr"]);
function labelsOf(query, faults) {
  const labels = new Set();
  const text = (node) => query.slice(node.from, node.to);
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) faults.push(`LogQL does not parse at ${node.from}: ${query}`);
      const parent = node.node.parent?.name ?? "";
      if (node.name === "Identifier" && (LABEL_PARENTS.has(parent) || parent.endsWith("Filter"))) labels.add(text(node));
    },
  });
  return [...labels];
}

const { dashboards, logql } = JSON.parse(readFileSync(0, "utf8"));
const faults = [];
for (const [name, dashboard] of Object.entries(dashboards)) holdDashboard(name, dashboard, faults);
const labels = logql.map((query) => labelsOf(query, faults));
process.stdout.write(JSON.stringify({ faults, labels }));
