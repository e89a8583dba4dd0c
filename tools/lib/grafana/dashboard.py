"""Panels as Grafana's JSON (schema version 37, Grafana 9)."""

import json

from tools.lib.grafana.panels import ROWS, Panel

_WIDTH, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "$datasource"}


def _variable(name: str, query: str) -> dict:
    return {
        "name": name, "label": name, "type": "query", "datasource": _SOURCE, "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
        "allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _variables() -> list[dict]:
    return [
        {"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus", "refresh": 1},
        _variable("instance", "label_values(peerpulse_build_info, instance)"),
        _variable("peer", 'label_values(peerpulse_peer_verdict{instance=~"$instance"}, peer)'),
    ]


def _panel(panel: Panel, number: int, x: int, y: int) -> dict:
    defaults: dict = {"unit": panel.unit, "min": 0}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.words:
        defaults["mappings"] = [{"type": "value", "options": {str(value): {"text": word, "color": colour}
                                                              for value, word, colour in panel.words}}]
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}}
    if panel.kind == "timeseries":
        options["tooltip"] = {"mode": "multi", "sort": "desc"}
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": panel.says, "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": _HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
        "targets": [{"refId": chr(ord("A") + i), "datasource": _SOURCE, "expr": query.expression,
                     "legendFormat": query.legend} for i, query in enumerate(panel.queries)],
    }


def _panels() -> list[dict]:
    made: list[dict] = []
    y = 0
    for row in ROWS:
        made.append({"id": len(made) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": [],
                     "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1}})
        y += 1
        x = 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y = 0, y + _HEIGHT
            made.append(_panel(panel, len(made) + 1, x, y))
            x += panel.width
        y += _HEIGHT
    return made


def text() -> str:
    dashboard = {
        "title": "peerpulse", "uid": "peerpulse", "tags": ["peerpulse", "storage"], "schemaVersion": 37, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "15s", "time": {"from": "now-1h", "to": "now"}, "timezone": "",
        "templating": {"list": _variables()}, "annotations": {"list": []}, "panels": _panels(),
    }
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
