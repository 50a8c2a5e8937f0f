"""The OpenAPI document: amounts are text, and the reference page names every address."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from fillbook.faces.api.listing import operations
from fillbook.faces.api.routes import SHAPES
from fillbook.reports._report import all_reports
from tests.faces.conftest import Api

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


async def fetched(api: Api, path: str) -> tuple[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(api.url + path, headers=api.headers) as reply,
    ):
        assert reply.status == 200
        return await reply.text(), await reply.json() if path.endswith("json") else None


def numbers(document: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Every field of the schemas whose type is a number that is no integer."""
    for name, schema in document["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            kinds = [inner, *inner.get("anyOf", ())]
            if any(kind.get("type") == "number" for kind in kinds):
                yield f"{name}.{field}"


async def test_amounts_are_text(api: Api) -> None:
    """No field of any answer is a binary fraction."""

    _, said = await fetched(api, "/openapi.json")
    trade = said["components"]["schemas"]["TradeShape"]["properties"]

    assert list(numbers(said)) == []
    assert trade["entry_qty"]["type"] == "string"
    assert {kind["type"] for kind in trade["net_pnl"]["anyOf"]} == {"string", "null"}


async def test_a_field_that_is_a_number_would_be_found() -> None:
    """In any schema, alone or beside null."""

    fields = {"a": {"type": "number"}, "b": {"anyOf": [{"type": "number"}, {"type": "null"}]}}
    document = {"components": {"schemas": {"X": {"properties": fields}}}}

    assert list(numbers(document)) == ["X.a", "X.b"]


async def test_the_reference_names_every_address_and_parameter(api: Api) -> None:
    """What the document has, the page in docs/reference has, and nothing else."""

    _, said = await fetched(api, "/openapi.json")
    text = REFERENCE.read_text(encoding="utf-8")
    known = {f"{method} {path}" for method, path, _ in operations(said)}
    named = set(re.findall(r"^#+ `([A-Z]+ /\S*)`", text, re.MULTILINE))
    parameters = {
        parameter["name"]
        for _, _, operation in operations(said)
        for parameter in operation.get("parameters", ())
    }

    assert named == known
    assert [name for name in sorted(parameters) if f"`{name}`" not in text] == []


async def test_every_report_has_a_published_shape(api: Api) -> None:
    """Whose rows have the fields of the report's own rows, in the words of the API."""

    _, said = await fetched(api, "/openapi.json")
    schemas = said["components"]["schemas"]

    assert SHAPES.keys() == {report.name for report in all_reports()}
    for report in all_reports():
        if report.name == "summary":  # its totals stand at the top
            continue
        answer = schemas[SHAPES[report.name].__name__]["properties"]
        first = next(field for field in answer.values() if "$ref" in field.get("items", {}))
        row = schemas[first["items"]["$ref"].rpartition("/")[2]]["properties"]
        told = await api.get(f"reports/{report.name}")

        assert told.keys() == answer.keys()
        rows = next(told[name] for name, field in answer.items() if field is first)
        assert all(one.keys() == row.keys() for one in rows)


async def test_the_page_of_the_document_needs_nothing_else(api: Api) -> None:
    """No script, no style, no other host: it is readable as it comes."""

    text, _ = await fetched(api, "/docs")

    assert "GET /api/v1/trades" in text
    assert not re.search(r"<script|<link|<style|style=|src=", text)
    assert re.findall(r'href="([^"]*)"', text) == ["openapi.json"]
