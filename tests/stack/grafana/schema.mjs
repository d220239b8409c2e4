// Writes the JSON schemas that check.mjs uses, from the TypeScript types of @grafana/schema (Apache-2.0):
//   npm ci && npm run schema
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createGenerator } from "ts-json-schema-generator";

const require = createRequire(import.meta.url);
const home = dirname(require.resolve("@grafana/schema/package.json"));
const { version, license } = require("@grafana/schema/package.json");
const PANELS = {
  stat: "stat",
  timeseries: "timeseries",
  table: "table",
  heatmap: "heatmap",
  "state-timeline": "statetimeline",
  logs: "logs",
  nodeGraph: "nodegraph",
};

// The raw types: from the package's index the generator stops at a duplicate name.
function schemaOf(file, type) {
  const path = join(home, "dist/types/raw", file, "types.gen.d.ts");
  return createGenerator({ path, type, skipTypeCheck: true, expose: "all" }).createSchema(type);
}

const schemas = { Dashboard: schemaOf("dashboard/x", "Dashboard") };
for (const [kind, folder] of Object.entries(PANELS)) {
  for (const type of ["Options", "FieldConfig"]) {
    if (type === "FieldConfig" && kind === "nodeGraph") continue; // it has none
    schemas[`${kind}.${type}`] = schemaOf(`composable/${folder}/panelcfg/x`, type);
  }
}
const source = `@grafana/schema ${version} (${license}), npm run schema`;
process.stdout.write(JSON.stringify({ source, schemas }, null, 1) + "\n");
