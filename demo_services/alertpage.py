"""The page of the alert webhook: what fires now, what has ended, each with its links."""

from collections.abc import Iterable
from datetime import datetime, timezone
from html import escape
from typing import Any

LINKS = {"Dashboard": "dashboard_url", "Log lines": "logs_url", "Runbook": "runbook_url"}

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta http-equiv="refresh" content="10">
  <title>{title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/alertpage.css">
</head>
<body>
<h1>{title}</h1>
<p class="dim">What Alertmanager has sent here, newest first; renewed every 10 seconds.
<a href="/alerts">The same as JSON</a></p>
{firing}
<h2>{number} resolved</h2>
{resolved}
</body>
</html>
"""

ALERT = """<article class="{kind}">
  <h3>{name} <span class="tag">{severity}</span></h3>
  <p>{summary}</p>
  <p class="dim">{description}</p>
  <p class="dim">{facts}</p>
  <p>{links}</p>
</article>
"""

STYLE = """:root {
  --paper: #ffffff; --ink: #1c2024; --dim: #5b6470; --line: #dfe3e8; --link: #1557b0;
  --page: #b3261e; --ticket: #8a5300; --calm: #1b7a43;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e9ec; --dim: #9aa4af; --line: #2d333a; --link: #8ab4f8;
    --page: #ff8a80; --ticket: #f5b964; --calm: #6ccf94;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 56rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.02em; }
h2 { margin: 2rem 0 .75rem; font-size: 1.05rem; }
h3 { margin: 0; font-size: 1rem; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
h1 + p { margin-bottom: 1.25rem; }
p:empty, .tag:empty { display: none; }
.dim { color: var(--dim); }
.tag {
  padding: .05rem .45rem; border: 1px solid currentcolor; border-radius: 1rem;
  color: var(--dim); font-size: .75rem; font-weight: 500;
}
article {
  margin: 0 0 .75rem; padding: .75rem 1rem;
  border: 1px solid var(--line); border-left: 4px solid var(--calm); border-radius: .375rem;
}
.firing { border-left-color: var(--ticket); }
.firing .tag { color: var(--ticket); }
.firing.page { border-left-color: var(--page); }
.firing.page .tag { color: var(--page); }
a { color: var(--link); margin-right: 1rem; }
"""


def page(notifications: Iterable[dict[str, Any]]) -> bytes:
    """The whole page, newest first; of each alert only its latest state."""
    latest: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = {}
    for notification in notifications:
        for alert in notification["payload"]["alerts"]:
            labels = sorted(f"{name}={value}" for name, value in alert["labels"].items())
            key = (str(alert.get("startsAt")), *labels)
            latest.pop(key, None)
            latest[key] = (notification["at"], alert)
    newest = [*reversed(latest.values())]
    firing = [_article(at, alert) for at, alert in newest if alert["status"] == "firing"]
    resolved = [_article(at, alert) for at, alert in newest if alert["status"] == "resolved"]
    title = f"{len(firing)} alert{'s' * (len(firing) > 1)} firing" if firing else "No alert fires"
    words = {"firing": "".join(firing), "resolved": "".join(resolved), "number": len(resolved)}
    return PAGE.format(title=title, **words).encode()


def _article(at: float, alert: dict[str, Any]) -> str:
    labels, notes = alert["labels"], alert["annotations"]
    since, arrived = alert.get("startsAt", "unknown"), datetime.fromtimestamp(at, timezone.utc)
    facts = [labels.get("service", ""), f"since {since}", f"heard of at {arrived:%H:%M:%S} UTC"]
    words = {
        "kind": f"{alert['status']} {'page' if labels.get('severity') == 'page' else 'other'}",
        "name": labels.get("alertname", "unnamed"),
        "severity": labels.get("severity", ""),
        "summary": notes.get("summary", ""),
        "description": notes.get("description", ""),
        "facts": ", ".join(filter(None, facts)),
    }
    safe = {name: escape(word) for name, word in words.items()}
    return ALERT.format(**safe, links=_links(alert))


def _links(alert: dict[str, Any]) -> str:
    found = {text: alert["annotations"].get(name, "") for text, name in LINKS.items()}
    found["Prometheus"] = str(alert.get("generatorURL", ""))
    return "".join(
        f'<a href="{escape(address)}">{text}</a>'
        for text, address in found.items()
        if address.startswith(("http://", "https://"))
    )
