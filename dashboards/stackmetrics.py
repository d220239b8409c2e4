"""The metrics of the stack's own programs that are asked for, with the labels we use of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboards.scrape import ALERTMANAGER_JOB, GRAFANA_JOB, JAEGER_JOB, LE, LOKI_JOB, PROMETHEUS_JOB

# Every program written with Go's Prometheus client: https://github.com/prometheus/client_golang
MEMORY: Final = "process_resident_memory_bytes"

# https://github.com/prometheus/prometheus/tree/main/documentation/prometheus-mixin, and :9090/metrics of 2.42
HEAD_SERIES: Final = "prometheus_tsdb_head_series"
SAMPLES_APPENDED: Final = "prometheus_tsdb_head_samples_appended_total"
BLOCKS_BYTES: Final = "prometheus_tsdb_storage_blocks_bytes"
EXEMPLARS_STORED: Final = "prometheus_tsdb_exemplar_exemplars_in_storage"
RULE_FAILURES: Final = "prometheus_rule_evaluation_failures_total"
RULE_GROUP: Final = "rule_group"
NOTIFICATIONS_DROPPED: Final = "prometheus_notifications_dropped_total"
ALERTS_REFUSED: Final = "prometheus_notifications_errors_total"
SAMPLE_LIMIT_EXCEEDED: Final = "prometheus_target_scrapes_exceeded_sample_limit_total"

# https://github.com/prometheus/alertmanager/tree/main/doc/alertmanager-mixin
NOTIFICATIONS_FAILED: Final = "alertmanager_notifications_failed_total"
NOTIFICATIONS: Final = "alertmanager_notifications_total"
INTEGRATION: Final = "integration"

# https://grafana.com/docs/loki/latest/operations/observability/
LOKI_LINES: Final = "loki_distributor_lines_received_total"
LOKI_BYTES: Final = "loki_distributor_bytes_received_total"
LOKI_DISCARDED: Final = "loki_discarded_samples_total"
LOKI_REQUESTS: Final = "loki_request_duration_seconds_count"
LOKI_REQUEST_BUCKETS: Final = "loki_request_duration_seconds_bucket"
LOKI_STREAMS: Final = "loki_ingester_memory_streams"
LOKI_CHUNK_BYTES: Final = "loki_ingester_chunk_size_bytes_sum"
"""Bytes of the chunks written so far, compressed; no metric of 3.7 tells what the store keeps."""
LOKI_DISK_USED: Final = "loki_ingester_wal_disk_usage_percent"
"""In spite of its name a share from 0 to 1, of the disk that holds the write-ahead log."""
LOKI_REASON: Final = "reason"
LOKI_STATUS: Final = "status_code"
LOKI_ROUTE: Final = "route"

# https://github.com/jaegertracing/jaeger/tree/main/monitoring/jaeger-mixin (Jaeger 2: the collector's names)
SPANS_ACCEPTED: Final = "otelcol_receiver_accepted_spans_total"
SPANS_REFUSED: Final = "otelcol_receiver_refused_spans_total"
SPANS_FAILED: Final = "otelcol_receiver_failed_spans_total"
SPANS_STORED: Final = "otelcol_exporter_sent_spans_total"
SPANS_NOT_STORED: Final = "otelcol_exporter_send_failed_spans_total"
JAEGER_MEMORY: Final = "otelcol_process_memory_rss_bytes"
# :8888/metrics of 2.20, by https://docs.hypermode.com/badger: the keys' tree and the values' log
JAEGER_KEYS_BYTES: Final = "jaeger_storage_badger_size_bytes_lsm"
JAEGER_VALUES_BYTES: Final = "jaeger_storage_badger_size_bytes_vlog"

SERIES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    PROMETHEUS_JOB: {
        HEAD_SERIES: (),
        SAMPLES_APPENDED: (),
        BLOCKS_BYTES: (),
        EXEMPLARS_STORED: (),
        RULE_FAILURES: (RULE_GROUP,),
        NOTIFICATIONS_DROPPED: (),
        ALERTS_REFUSED: ("alertmanager",),
        SAMPLE_LIMIT_EXCEEDED: (),
        MEMORY: (),
    },
    ALERTMANAGER_JOB: {NOTIFICATIONS: (INTEGRATION,), NOTIFICATIONS_FAILED: (INTEGRATION,), MEMORY: ()},
    LOKI_JOB: {
        LOKI_LINES: (),
        LOKI_BYTES: (),
        LOKI_DISCARDED: (LOKI_REASON,),
        LOKI_REQUESTS: (LOKI_STATUS, LOKI_ROUTE),
        LOKI_REQUEST_BUCKETS: (LOKI_STATUS, LOKI_ROUTE, LE),
        LOKI_STREAMS: (),
        LOKI_CHUNK_BYTES: (),
        LOKI_DISK_USED: (),
        MEMORY: (),
    },
    JAEGER_JOB: {
        SPANS_ACCEPTED: (),
        SPANS_REFUSED: (),
        SPANS_FAILED: (),
        SPANS_STORED: (),
        SPANS_NOT_STORED: (),
        JAEGER_MEMORY: (),
        JAEGER_KEYS_BYTES: (),
        JAEGER_VALUES_BYTES: (),
    },
    GRAFANA_JOB: {MEMORY: ()},
}
"""By the job that scrapes them: metric and labels."""
