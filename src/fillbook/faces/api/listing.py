"""The OpenAPI document as a plain page: no script, no style, nothing from another host."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")


def listing(document: Document) -> str:
    """Every address with its parameters and the fields of its answer."""
    title = escape(f"{document['info']['title']} API {document['info']['version']}")
    body = "\n".join(_operations(document))
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{escape(document["info"]["description"])}</p>
<p>The same as a document for programs: <a href="openapi.json">openapi.json</a></p>
{body}
</body>
</html>
"""


def operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each method and path of a document, in its order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _operations(document: Document) -> Iterator[str]:
    for method, path, operation in operations(document):
        yield f"<h2><code>{method} {escape(path)}</code></h2>"
        yield f"<p>{escape(operation.get('summary', ''))}</p>"
        yield f"<p>{escape(operation.get('description', ''))}</p>"
        parameters = operation.get("parameters", ())
        if parameters:
            yield "<dl>"
            for parameter in parameters:
                yield f"<dt><code>{escape(parameter['name'])}</code></dt>"
                yield f"<dd>{escape(parameter.get('description', ''))}</dd>"
            yield "</dl>"
        fields = ", ".join(_fields(document, operation))
        if fields:
            yield f"<p>Answers with: <code>{escape(fields)}</code></p>"


def _fields(document: Document, operation: Mapping[str, Any]) -> list[str]:
    """The names of the fields of a good answer."""
    content = operation["responses"].get("200", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = document.get("components", {}).get("schemas", {}).get(reference.rpartition("/")[2], {})
    return list(schema.get("properties", ()))
