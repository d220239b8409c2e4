"""The tutorial leads to a log line inside its trace: it is followed here, but for pip and the ports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from demo_services.ports import free_port
from tests.docs.tutorial import Reader
from tests.processes import get


def test_the_tutorial_leads_to_a_log_line_in_its_trace(tmp_path: Path) -> None:
    service, pages, otlp = free_port(), free_port(), free_port()
    instead = {
        "python3 -m venv .venv": "true",
        "pip install '/path/to/the/clone[console]'": "true",
        ". .venv/bin/activate": f"PATH={Path(sys.executable).parent}:$PATH",
        "django-observe console": f"django-observe console --port {pages} --otlp-port {otlp}",
        "django-observe trace": f"django-observe trace --console http://127.0.0.1:{pages}",
        "manage.py runserver": f"manage.py runserver {service}",
        ":8000": f":{service}",
        ":4318": f":{otlp}",
    }
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    with Reader(tmp_path, instead, variables) as reader:
        steps = list(reader.follow())
        found = get(f"http://127.0.0.1:{pages}/search?q={reader.identifier}")
        page = get(f"http://127.0.0.1:{pages}{found.headers['Location']}")
    assert "pip install '/path/to/the/clone[console]'" in steps
    assert "order 7 is looked up, of 0 customers" in page.text
