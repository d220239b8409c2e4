// One request of a shop, told by OpenTelemetry's own exporters: node send.mjs <endpoint> json|protobuf none|gzip
import { SpanKind, SpanStatusCode, TraceFlags, context, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [endpoint, encoding, compression] = process.argv.slice(2);
const kind = encoding === "json" ? "http" : "proto";
const exporter = async (signal, name) => {
  const module = await import(`@opentelemetry/exporter-${signal}-otlp-${kind}`);
  const path = { trace: "traces", logs: "logs", metrics: "metrics" }[signal];
  return new module[name]({ url: `${endpoint}/v1/${path}`, compression });
};

const resource = resourceFromAttributes({ "service.name": `node-${encoding}-${compression}`, answer: 42 });
const spans = new BasicTracerProvider({
  resource, spanProcessors: [new BatchSpanProcessor(await exporter("trace", "OTLPTraceExporter"))],
});
const logs = new LoggerProvider({
  resource, processors: [new BatchLogRecordProcessor({ exporter: await exporter("logs", "OTLPLogExporter") })],
});
const metrics = new MeterProvider({
  resource, readers: [new PeriodicExportingMetricReader({ exporter: await exporter("metrics", "OTLPMetricExporter") })],
});

const tracer = spans.getTracer("shop", "1.0");
const root = tracer.startSpan("GET /basket", {
  kind: SpanKind.SERVER,
  attributes: { "http.route": "/basket", "http.response.status_code": 500, correlation_id: "node-1", ratio: 0.5, big: 2 ** 53 - 1, list: ["a", "ü"] },
});
const inside = trace.setSpan(context.active(), root);
const query = tracer.startSpan("SELECT", { kind: SpanKind.CLIENT, attributes: { "db.system.name": "postgresql" } }, inside);
query.recordException(new TypeError("no such basket"));
query.setStatus({ code: SpanStatusCode.ERROR, message: "no such basket" });
query.end();
root.end();
logs.getLogger("shop.basket").emit({
  severityNumber: SeverityNumber.ERROR, severityText: "ERROR", body: "basket lost",
  attributes: { correlation_id: "node-1" }, context: inside,
});
metrics.getMeter("shop").createCounter("baskets").add(1);
await Promise.all([spans.shutdown(), logs.shutdown(), metrics.shutdown()]);
if (root.spanContext().traceFlags !== TraceFlags.SAMPLED) throw new Error("not sampled");
console.log(root.spanContext().traceId);
