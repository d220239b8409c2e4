"""The checkers of blocks find what is planted, and leave alone what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, of_page
from tests.docs.test_blocks import CHECKERS

WRONG = [
    ("python", "def (:", "invalid syntax"),
    ("python", "from django_observe import correlate", "correlate"),
    ("python", "import django_observe.nothing", "nothing"),
    ("python", "from django_observe.conf import settings", "django_observe.conf.settings is not public"),
    ("python", "import logging\nlogging.getLoger()", "logging has no getLoger"),
    ("python", "from django_observe import flush\nflush(0.5, now=True)", "unexpected keyword argument 'now'"),
    ("python", 'DJANGO_OBSERVE = {"SERVICE": "orders"}', "Did you mean 'SERVICE_NAME'?"),
    ("python", 'INSTALLED_APPS += ["django_observer"]', "No module named 'django_observer'"),
    ("python", 'LOGGING = {"formatters": {"json": {"()": "django_observe.json.Formatter"}}}', "Formatter"),
    ("console", "output alone", "no command in it"),
    ("console", "$ mkae demo", "no checker knows the program mkae"),
    ("console", "$ make demonstration", "the Makefile has no demonstration"),
    ("console", "$ echo 'open", "unexpected EOF"),
    ("console", "$ python manage.py observes", "no management command observes"),
    ("console", "$ python manage.py check --tags observability", "--tags"),
    ("console", "$ django-observe console --ports 1", "--ports"),
    (
        "console",
        "$ gunicorn -c python:django_observe.unicorn shop.wsgi",
        "no module python:django_observe.unicorn",
    ),
    ("console", "$ celery -A shop worker --concurency 2", "--concurency"),
    ("console", "$ uvicorn shop.asgi:application --prot 1", "--prot"),
    ("console", "$ pip install 'django-observe-kit[consoles]'", "no extra consoles"),
    ("console", "$ export OTEL_EXPORTER_ENDPOINT=http://x", "nobody reads OTEL_EXPORTER_ENDPOINT"),
    ("console", "$ cat stack/prometheus/prometheus.yaml", "no such file: stack/prometheus/prometheus.yaml"),
    ("console", "$ cd shop && make demonstration | tail -1", "the Makefile has no demonstration"),
    ("shell", "OTEL_SERVICE=shop", "nobody reads OTEL_SERVICE"),
    ("json", '{"a": 1,}', "double quotes"),
    ("yaml", "a: [1", "while parsing"),
    ("yaml", "- expr: rate(up)", "expected type"),
    ("toml", "a =", "Invalid value"),
    ("ini", "[a\nb = 1", "no section headers"),
    ("promql", "rate(django_http_request_total[5m])", "no such series: django_http_request_total"),
    ("promql", "sum by (views) (up)", "has no label views"),
    ("html+django", "{% if x %}", "Unclosed tag"),
    ("nginx", "location / { proxy_pass http://x }", "semicolon"),
    ("hcl", 'a "b" { c = [1 }', "closes nothing"),
    ("logstash", "input { beats { port => 5044 }", "is not closed"),
    ("logstash", "outputs { stdout {} }", "no section of a pipeline: outputs"),
    ("logstash", 'input { beats {\n  port "5044"\n} }', "no setting: port"),
    ("kql", 'django.rout : "orders/"', "no such log field: django.rout"),
    ("kql", 'django.route = "orders/"', "no term"),
    ("kql", 'django.route : "orders/', "no term"),
    ("python", "from django_observe import gunicorn as o\no.worker_exits", "has no worker_exits"),
    ("python", "from django_observe.gunicorn import worker_exits", "worker_exits"),
]
RIGHT = [
    (
        "python",
        "from shop.models import Order\nfrom . import views\nimport logging.config as c\nc.dictConfig",
    ),
    ("console", "$ cat > a.py <<'END'\nimport a thing; make no sense\nEND\n$ OTEL_SERVICE_NAME=a make demo"),
    (
        "console",
        "$ python manage.py runserver \\\n    --noreload 8001    # a remark's apostrophe\nits output",
    ),
    ("json", '{"a": 1}\n{"a": 2}'),
    ("ini", "[Service]\nEnvironment=A=1\nEnvironment=B=2"),
    (
        "promql",
        'rate(shop_refused_total{kind="card"}[5m])\n\n# ours\nsum by (queue_name) (celery_queue_length)',
    ),
    ("kql", 'service.name : "a (b" and not django.status >= 500\n\n# all\ndjango.task : *'),
    ("logstash", "# why {\ninput { beats { port => 5044 } }\nfilter {}\noutput { file { path => '}' } }"),
    ("python", "from django_observe.gunicorn import *\nworkers = 4"),
    ("nginx", "log_format json '{a}'\n  '{b}';\nlocation / {\n  # why\n  proxy_pass http://x;\n}"),
]


def block(language: str, text: str) -> Block:
    return Block(ROOT / "README.md", 1, language, text)


@pytest.mark.parametrize(("language", "text", "said"), WRONG)
def test_what_is_wrong_is_said(language: str, text: str, said: str) -> None:
    assert said in "\n".join(CHECKERS[language](block(language, text)))


@pytest.mark.parametrize(("language", "text"), RIGHT)
def test_what_is_right_passes(language: str, text: str) -> None:
    assert list(CHECKERS[language](block(language, text))) == []


def test_blocks_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("1. a\n\n   ```json\n   {}\n   ```\n\n````{note}\n```yaml\na: 1\n```\n````\n\n    b\n")
    assert [(each.line, each.language, each.text) for each in of_page(page)] == [
        (3, "json", "{}\n"),
        (8, "yaml", "a: 1\n"),
        (13, "", "b\n"),
    ]
