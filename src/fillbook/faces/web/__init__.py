"""The page: the built dashboard, served as files. It holds no figures, so it is open to anybody.

Where it was not built, one sentence says so, and the API works without it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

DIST = Path(__file__).parent / "dist"
HASHED = "assets"  # names in this folder carry a digest of their content
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Fillbook</title></head>
<body><p>The dashboard was not built into this installation; the API works: see
<a href="docs">docs</a>.</p></body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Serves the files of a folder, and its `index.html` wherever a browser navigates to."""

    dist: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answer = self._answer(request)
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse(
                "Only reading is possible here.\n", HTTPStatus.METHOD_NOT_ALLOWED
            )
        name = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
        file = self._file(name)
        if file is not None and name != "index.html":
            cache = FOREVER if name.startswith(f"{HASHED}/") else ASK_AGAIN
            return FileResponse(
                file, media_type=KINDS[file.suffix], headers={"Cache-Control": cache}
            )
        if name not in ("", "index.html") and not _navigates(request):
            return PlainTextResponse("There is no such file.\n", HTTPStatus.NOT_FOUND)
        index = self.dist / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT, headers={"Cache-Control": ASK_AGAIN})
        return FileResponse(index, media_type="text/html", headers={"Cache-Control": ASK_AGAIN})

    def _file(self, name: str) -> Path | None:
        """A file of the build, of a kind that a page has; nothing outside the folder."""
        if not name.isprintable():
            return None
        path = (self.dist / name).resolve()
        inside = path.is_relative_to(self.dist.resolve())
        return path if inside and path.suffix in KINDS and path.is_file() else None


def _navigates(request: Request) -> bool:
    """Whether a person's browser asks for a page, rather than a page for one of its parts."""
    mode = request.headers.get("sec-fetch-mode")
    return mode in (None, "navigate") and "text/html" in request.headers.get("accept", "")
