"""The kinds of panels in grafana-foundation-sdk's builders: one look for all dashboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    logs,
    nodegraph,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as sdk
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models

from dashboards.grafana.panels import Kind, Panel, Step
from dashboards.grafana.tables import columns, transformations

WIDE: Final = 12
"""From this width on a legend has room for numbers."""


def thresholds(steps: tuple[Step, ...]) -> dashboard.ThresholdsConfig:
    """Colours by value; the lowest step has no value."""
    return dashboard.ThresholdsConfig().steps([models.Threshold(value, color) for value, color in steps])


def fixed(color: str) -> models.DynamicConfigValue:
    """The property that gives a series its colour."""
    return models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


def _stat(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .graph_mode(sdk.BigValueGraphMode.AREA)
        .color_mode(sdk.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )


def _legend(panel: Panel) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True).placement(sdk.LegendPlacement.BOTTOM)
    if panel.width < WIDE:
        return legend.display_mode(sdk.LegendDisplayMode.LIST)
    return (
        legend.display_mode(sdk.LegendDisplayMode.TABLE)
        .calcs(["mean", "max", "lastNotNull"])
        .sort_by("Last *")
        .sort_desc(sort_desc=True)
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(sdk.TooltipDisplayMode.MULTI).sort(sdk.SortOrder.DESCENDING)


def _timeseries(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .legend(_legend(panel))
        .tooltip(_tooltip())
        .draw_style(sdk.GraphDrawStyle.BARS if panel.bars else sdk.GraphDrawStyle.LINE)
        .fill_opacity(60 if panel.bars else 25 if panel.stacked else 8)
        .line_width(0 if panel.bars else 1)
        .show_points(sdk.VisibilityMode.NEVER)
    )
    if panel.stacked:
        built.stacking(common.StackingConfig().mode(sdk.StackingMode.NORMAL))
    if panel.steps:
        style = common.GraphThresholdsStyleConfig().mode(sdk.GraphThresholdsStyleMode.DASHED)
        built.thresholds_style(style)
    for names, color in panel.colors.items():
        built.override_by_regexp(f"/{names}/", [fixed(color)])
    return built


def _table(panel: Panel) -> table.Panel:
    built = (
        table.Panel()
        .show_header(show_header=True)
        .cell_height(sdk.TableCellHeight.SM)
        .cell_options(sdk.TableAutoCellOptions())
    )
    if panel.sort_by:
        order = common.TableSortByFieldState().display_name(panel.sort_by).desc(desc=not panel.ascending)
        built.sort_by([order])
    for transformation in transformations(panel):
        built.with_transformation(transformation)
    for title, properties in columns(panel):
        built.override_by_name(title, properties)
    return built


def _heatmap(panel: Panel) -> heatmap.Panel:
    color = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME)
    return (
        heatmap.Panel()
        .color(color.scheme("Oranges").scale(heatmap_models.HeatmapColorScale.EXPONENTIAL).exponent(0.5))
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .cell_values(heatmap.CellValues().unit("reqps"))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .tooltip(heatmap.HeatmapTooltip().mode(sdk.TooltipDisplayMode.SINGLE).y_histogram(y_histogram=True))
        .exemplars_color("rgba(255,0,255,0.7)")
        .cell_gap(1)
    )


def _state_timeline(panel: Panel) -> statetimeline.Panel:
    results = {
        value: models.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(panel.states.items())
    }
    return (
        statetimeline.Panel()
        .mappings([models.ValueMap(results)])
        .merge_values(merge_values=True)
        .show_value(sdk.VisibilityMode.AUTO)
        .row_height(0.85)
        .legend(common.VizLegendOptions().show_legend(show_legend=True))
    )


def _logs(panel: Panel) -> logs.Panel:
    order = sdk.LogsSortOrder.ASCENDING if panel.ascending else sdk.LogsSortOrder.DESCENDING
    return (
        logs.Panel()
        .show_time(show_time=True)
        .wrap_log_message(wrap_log_message=True)
        .enable_log_details(enable_log_details=True)
        .sort_order(order)
        .dedup_strategy(sdk.LogsDedupStrategy.NONE)
    )


def _traces(_: Panel) -> dashboard.Panel:
    """The SDK has no builder of its own for Grafana's trace view."""
    return dashboard.Panel().type("traces")


def _node_graph(_: Panel) -> nodegraph.Panel:
    return nodegraph.Panel()


BUILDERS: Final[Mapping[Kind, Callable[[Panel], Any]]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "table": _table,
    "heatmap": _heatmap,
    "state-timeline": _state_timeline,
    "logs": _logs,
    "traces": _traces,
    "nodeGraph": _node_graph,
}
