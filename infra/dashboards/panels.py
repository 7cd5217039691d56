"""Makes Grafana's JSON of a dashboard from rows of panels, so that a panel is a title, a unit and its expressions."""

from dataclasses import dataclass, field

# Grafana fills in the data source that the reader has chosen at the top of the dashboard.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT = 8
# The version of the JSON that Grafana 10 and later read, and convert to their own.
SCHEMA = 39


@dataclass(frozen=True)
class Query:
    """An expression of PromQL. `legend` may contain labels, such as `{{model}}`."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A diagram over time. `unit` is a name of Grafana's, such as `s` or `percentunit`."""

    title: str
    unit: str
    queries: list[Query]
    about: str = ""
    width: int = 8
    stacked: bool = False


@dataclass(frozen=True)
class Number(Panel):
    """A panel that shows the newest value alone."""

    width: int = 4


@dataclass(frozen=True)
class Row:
    title: str
    panels: list[Panel]


@dataclass(frozen=True)
class Variable:
    """A list at the top of the dashboard: values of a label, as `label_values(...)` finds them."""

    name: str
    label: str
    values: str


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    about: str
    rows: list[Row]
    variables: list[Variable] = field(default_factory=list)

    def json(self) -> dict:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["runmill"],
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_source_variable(), *map(_variable, self.variables)]},
            "links": [_link_to_others()],
            "annotations": {"list": []},
            "panels": list(_placed(self.rows)),
        }


def quantiles(histogram: str, by: str = "", of: str = "") -> list[Query]:
    """Returns the median and the 99th percentile of a histogram, for each value of the label `by`."""
    labels = f"{by}, le" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return [
        Query(f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{of}[$__rate_interval])))", name + legend)
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    ]


def rate(counter: str, by: str = "", of: str = "") -> Query:
    """Returns the growth of a counter a second, for each value of the label `by`."""
    sum_of = f"sum by ({by})" if by else "sum"
    return Query(f"{sum_of} (rate({counter}{of}[$__rate_interval]))", f"{{{{{by}}}}}" if by else counter)


def _placed(rows: list[Row]):
    number, y = 0, 0
    for row in rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}
        y, x = y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            number += 1
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": HEIGHT})
            x += panel.width
        y += HEIGHT


def _panel(panel: Panel, number: int, place: dict) -> dict:
    targets = [
        {"refId": chr(ord("A") + n), "datasource": SOURCE, "expr": query.expression, "legendFormat": query.legend or panel.title,
         "range": True}
        for n, query in enumerate(panel.queries)
    ]
    made = {
        "id": number,
        "type": "stat" if isinstance(panel, Number) else "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
    }
    if isinstance(panel, Number):
        return made | {"options": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}}
    made["fieldConfig"]["defaults"] |= {"min": 0, "custom": _drawn(panel.stacked)}
    return made | {"options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}}


def _drawn(stacked: bool) -> dict:
    if stacked:
        return {"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}}
    return {"fillOpacity": 5, "stacking": {"mode": "none"}}


def _source_variable() -> dict:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(variable: Variable) -> dict:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": SOURCE,
        "definition": variable.values,
        "query": {"query": variable.values, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
    }


def _link_to_others() -> dict:
    return {"title": "runmill", "type": "dashboards", "tags": ["runmill"], "asDropdown": True, "keepTime": True, "includeVars": True,
            "icon": "external link", "tooltip": "Other dashboards of runmill", "targetBlank": False}
