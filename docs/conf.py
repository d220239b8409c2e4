"""How Sphinx builds the site: `make site`. The pages stay plain Markdown, readable in the repository."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from pygments.lexers.ruby import RubyLexer  # type: ignore[import-untyped]
from sphinx.application import Sphinx

project = "django_observe"
author = project_copyright = "The django_observe authors"
release = metadata.version("django-observe-kit")

root_doc = "README"
extensions = ["myst_parser"]
exclude_patterns = ["site"]
myst_heading_anchors = 4
nitpicky = True
highlight_language = "text"
smartquotes = False
pygments_style, pygments_dark_style = "xcode", "github-dark"

html_theme = "furo"
html_title = project
html_static_path = ["site"]
html_css_files, html_js_files = ["site.css"], ["site.js"]
html_logo = html_favicon = "../django_observe/console/static/console/mark.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#434fb8", "color-brand-content": "#434fb8"},
    "dark_css_variables": {"color-brand-primary": "#a3b0f4", "color-brand-content": "#a3b0f4"},
}

DECISION = "adr/[0-9]*"
LINK = re.compile(r"\[([^\]]+)\]\(([\w/-]+)\.md\)")


def sidebar(app: Sphinx, docname: str, source: list[str]) -> None:
    """Gives the first page, and that of the decisions, their trees, which only the site needs.

    The sidebar has the parts of the first page, and calls pages as it does. A page that it does not name
    comes with the last part.
    """
    decisions = fnmatch.filter(sorted(app.env.found_docs), DECISION)
    if docname == app.config.root_doc:
        parts = {caption: LINK.findall(text) for caption, text in sections(source[0])}
        named = {docname, *decisions, *(page for links in parts.values() for _, page in links)}
        list(parts.values())[-1].extend(("", page) for page in sorted(app.env.found_docs - named))
        source[0] += "".join(tree(links, f":caption: {caption}") for caption, links in parts.items() if links)
    elif docname == "adr/README":
        source[0] += tree(("", f"/{page}") for page in decisions)


def sections(text: str) -> Iterator[tuple[str, str]]:
    """The parts of the first page; those of "How to" begin with these words: "How to begin"."""
    above = ""
    _, *parts = re.split(r"^(##+) (.*)\n", text, flags=re.MULTILINE)
    for level, title, body in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        above = title if level == "##" else above
        yield title if level == "##" else f"{above} {title.lower()}", body


def tree(links: Iterable[tuple[str, str]], *options: str) -> str:
    """A table of contents that is not shown in the page itself; a page without a title has its own."""
    entries = (f"{title} <{page}>" if title else page for title, page in links)
    return "\n".join(["", "```{toctree}", ":hidden:", *options, "", *entries, "```", ""])


def built(app: Sphinx, error: Exception | None) -> None:
    """A folder opens at index.html; Sphinx has given the first page its own name."""
    if error is None and app.builder.format == "html":
        first = Path(app.outdir, f"{app.config.root_doc}.html")
        Path(app.outdir, "index.html").write_text(first.read_text())


def setup(app: Sphinx) -> None:
    """Sphinx calls this first."""
    app.add_lexer("logstash", RubyLexer)  # whose hashes its settings are
    app.connect("source-read", sidebar)
    app.connect("build-finished", built)
