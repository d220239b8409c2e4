"""Queries as the data sources of Grafana take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards import links
from dashboards.grafana.panels import Query, TraceQuery
from dashboards.grafana.tables import letter

MAX_LINES: Final = 500


class JaegerQuery:
    """A query of the Jaeger data source, for which the SDK has neither model nor builder: this is both."""

    def __init__(self, ref_id: str, fields: Mapping[str, str | int]) -> None:
        self._json = {"refId": ref_id, "datasource": source(links.JAEGER), **fields}

    def build(self) -> JaegerQuery:
        """What panels ask a builder for."""
        return self

    def to_json(self) -> dict[str, object]:
        """As it stands in the dashboard's JSON."""
        return dict(self._json)


def source(uid: str) -> DataSourceRef:
    """A data source by its uid; ours have their type as uid."""
    return DataSourceRef(type_val=uid, uid=uid)


def target(query: Query | TraceQuery, number: int) -> Any:
    """The builder of a panel's `number`-th query."""
    if isinstance(query, TraceQuery):
        return JaegerQuery(letter(number), query.fields)
    if query.source == links.LOKI:
        return _loki(query, number)
    built = prometheus.Dataquery().expr(query.expr).ref_id(letter(number)).datasource(source(query.source))
    if query.instant or query.table:
        built.instant().format(PromQueryFormat.TABLE if query.table else PromQueryFormat.TIME_SERIES)
    else:
        built.range().format(PromQueryFormat.HEATMAP if query.buckets else PromQueryFormat.TIME_SERIES)
    return built.legend_format(query.legend or "__auto").exemplar(query.exemplar)


def _loki(query: Query, number: int) -> loki.Dataquery:
    built = loki.Dataquery().expr(query.expr).ref_id(letter(number)).datasource(source(links.LOKI))
    return (
        built.query_type("instant" if query.instant else "range")
        .max_lines(MAX_LINES)
        .legend_format(query.legend)
    )
