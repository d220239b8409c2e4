"""The pages' own CSS and JavaScript, at addresses that change with the content: browsers may keep them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

_FOLDER: Final = Path(__file__).parent / "static" / "console"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    file.relative_to(_FOLDER).as_posix(): file.read_bytes()
    for file in sorted(_FOLDER.rglob("*"))
    if file.suffix in _TYPES
}
VERSION: Final = hashlib.blake2b(b"\0".join(_FILES.values()), digest_size=6).hexdigest()


def static_file(request: HttpRequest, version: str, name: str) -> HttpResponse:  # noqa: ARG001 - version is the cache key
    """GET /static/<version>/<name>; the libraries of others are under vendor/."""
    if name not in _FILES:
        raise Http404(name)
    return HttpResponse(
        _FILES[name],
        content_type=f"{_TYPES[Path(name).suffix]}; charset=utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
