"""The HTTP face: every report as JSON under `/api/v1`, behind a token. Begin at `create_app`."""

from fillbook.faces.api.app import create_app

__all__ = ["create_app"]
