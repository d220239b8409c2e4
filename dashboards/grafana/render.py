"""Dashboards as Grafana's classic JSON (schema version 42), through grafana-foundation-sdk."""

from __future__ import annotations

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards import links
from dashboards.grafana import events
from dashboards.grafana.panels import Board, Link, Mark, Panel, Variable
from dashboards.grafana.targets import source, target
from dashboards.grafana.visuals import BUILDERS, thresholds

TAG: Final = "django_observe"
VERSION: Final = 1
STEP: Final = "60s"
"""How finely annotations are looked for."""
WITHOUT_FIELDS: Final = frozenset({"logs", "traces", "nodeGraph"})
"""Kinds whose results one cannot click: their links stand in the panel's title."""


def text(board: Board, others: tuple[Board, ...]) -> str:
    """The JSON of one dashboard, with links to the others."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([TAG])
        .time(board.start, "now")
        .refresh(board.refresh)
        .timezone("browser")
        .editable()
        .version(VERSION)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .annotations([_annotation(mark) for mark in events.MARKS])
    )
    for variable in board.variables:
        built.with_variable(_variable(variable))
    for other in others:
        if other is not board:
            built.link(_dashboard_link(other))
    for row in board.rows:
        built.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            built.with_panel(_panel(panel))
    document = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    _number(document["panels"])
    _mend(document)
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _panel(panel: Panel) -> Any:
    built = (
        BUILDERS[panel.kind](panel)
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .span(panel.width)
        .height(panel.height)
        .datasource(source(_source_of(panel)))
    )
    next_places = [_link(link) for link in panel.links]
    if panel.kind in WITHOUT_FIELDS:
        built.links(next_places)
    else:
        built.data_links(next_places)
    if panel.steps:
        built.thresholds(thresholds(panel.steps))
    if panel.kind in {"stat", "timeseries"}:
        _scale(built, panel)
    if panel.no_value:
        built.no_value(panel.no_value)
    if panel.decimals is not None:
        built.decimals(panel.decimals)
    if panel.time_from:
        built.time_from(panel.time_from)
    for number, query in enumerate(panel.queries):
        built.with_target(target(query, number))
    return built


def _scale(built: Any, panel: Panel) -> None:
    if panel.minimum is not None:
        built.min(panel.minimum)
    if panel.maximum is not None:
        built.max(panel.maximum)


def _source_of(panel: Panel) -> str:
    return getattr(panel.queries[0], "source", links.JAEGER)


def _link(link: Link) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(link.title).url(link.url)


def _annotation(mark: Mark) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(mark.name)
        .datasource(source(links.PROMETHEUS))
        .enable(enable=True)
        .icon_color(mark.color)
        .expr(mark.expr)
        .title_format(mark.title)
        .text_format(mark.title)
        .tag_keys(mark.tags)
        .step(STEP)
    )


def _dashboard_link(board: Board) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(board.title)
        .type(models.DashboardLinkType.LINK)
        .url(f"/d/{board.uid}")
        .icon("dashboard")
        .tooltip(board.about)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _variable(variable: Variable) -> Any:
    if not variable.query:
        text_box = dashboard.TextBoxVariable(variable.name).label(variable.label)
        return text_box.description(variable.about).default_value("")
    built = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.about)
        .query({"query": variable.query, "refId": variable.name})
        .datasource(source(links.PROMETHEUS))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .regex(variable.regex)
        .hide(models.VariableHide.HIDE_VARIABLE if variable.hidden else models.VariableHide.DONT_HIDE)
    )
    if variable.many:
        built.multi(multi=True).include_all(include_all=True).all_value(variable.all_value)
    if variable.many and variable.all_at_first:
        built.current(models.VariableOption(text="All", value="$__all", selected=True))
    return built


def _number(panels: list[dict[str, Any]]) -> None:
    """Panel IDs are places: links to a panel stay as long as the dashboard's order does."""
    for number, panel in enumerate(panels, start=1):
        panel["id"] = number


def _mend(document: dict[str, Any]) -> None:
    """Takes away what the SDK writes unasked and Grafana 13.2's schema refuses, or hides in a menu."""
    for shown in (*document["links"], *document["annotations"]["list"]):
        del shown["placement"]
    for variable in document["templating"]["list"]:
        for interval_only in ("auto", "auto_count", "auto_min"):
            variable.pop(interval_only, None)
    for panel in document["panels"]:
        links_of_panel = panel.get("links", []) + panel.get("fieldConfig", {}).get("defaults", {}).get(
            "links", []
        )
        for link in links_of_panel:
            link.pop("placement", None)
        if panel["type"] == "table":
            del panel["options"]["footer"]
