"""How query results become the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.models import dashboard as models

from dashboards.grafana.panels import Column, Panel

TEXT = "none"
"""The unit of columns that hold no number."""


def field_name(panel: Panel, column: Column) -> str:
    """What Grafana calls the field: a label, or a query's value, with its letter if there are several."""
    if isinstance(column.source, str):
        return column.source
    return f"Value #{letter(column.source)}" if len(panel.queries) > 1 else "Value"


def letter(number: int) -> str:
    """The refId of the n-th query."""
    return chr(ord("A") + number)


def transformations(panel: Panel) -> Iterator[models.DataTransformerConfig]:
    """The results as one table that has the panel's columns in their order, and no others."""
    if not panel.columns:
        return
    names = [field_name(panel, column) for column in panel.columns]
    if panel.labels_as_columns:
        yield _transformer("extractFields", {"source": "labels", "replace": False, "keepTime": True})
        yield from _numbers(panel)
    elif len(panel.queries) > 1:
        yield _transformer("merge", {})
    yield _transformer("filterFieldsByName", {"include": {"names": names}})
    titles = [column.title for column in panel.columns]
    order = {name: index for index, name in enumerate(names)}
    yield _transformer(
        "organize", {"indexByName": order, "renameByName": dict(zip(names, titles, strict=True))}
    )


def _numbers(panel: Panel) -> Iterator[models.DataTransformerConfig]:
    """Loki's labels are text; what has a unit is a number."""
    fields = [
        {"targetField": column.source, "destinationType": "number"}
        for column in panel.columns
        if column.unit not in {TEXT, "dateTimeAsIso"}
    ]
    if fields:
        yield _transformer("convertFieldType", {"conversions": fields})


def columns(panel: Panel) -> Iterator[tuple[str, list[models.DynamicConfigValue]]]:
    """The looks of each column, by its title."""
    for column in panel.columns:
        looks: dict[str, object] = {"unit": column.unit}
        if column.width is not None:
            looks["custom.width"] = column.width
        if column.decimals is not None:
            looks["decimals"] = column.decimals
        if column.links:
            looks["links"] = [{"title": link.title, "url": link.url} for link in column.links]
        if column.steps:
            steps = [{"value": value, "color": color} for value, color in column.steps]
            looks["thresholds"] = {"mode": "absolute", "steps": steps}
            looks["color"] = {"mode": "thresholds"}
            looks["custom.cellOptions"] = {"type": "color-text"}
        yield column.title, [models.DynamicConfigValue(name, value) for name, value in looks.items()]


def _transformer(name: str, options: dict[str, object]) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=name, options=options)
