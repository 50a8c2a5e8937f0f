"""The HTTP face: every report as JSON under `/api/v1`, behind a token. `create_app` is the way in."""

from fillbook.faces.api.app import create_app

__all__ = ["create_app"]
