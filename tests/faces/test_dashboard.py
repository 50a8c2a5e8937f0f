"""The dashboard in a real Chromium, against a real server: `dashboard_url` carries its token."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.faces.chromium import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.debian

LOUD = {"error", "warning"}
FIRST_ROW_MS_MAX = 2_000
COLD_STARTS = 5
PHONE = (390, 844)
PAGE_ROWS = 100


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Seen:
    """What a page said and asked for while it was open."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda said: self.complaints.extend([said.text] * (said.type in LOUD)))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh profile at the size of a desk, without cookies."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(rows(page).first).to_be_visible()
    return page


def rows(page: Page) -> Locator:
    return page.locator("#trades tbody tr[aria-rowindex]")


def matches(page: Page) -> Locator:
    return page.locator("#trades .head [role=status]")


def bare(address: str) -> str:
    """The address without its token."""
    return address.partition("?")[0]


def answer(page: Page, path: str) -> dict[str, Any]:
    """What the API says to this page's own session."""
    reply = page.request.get(f"{bare(page.url)}api/v1/{path}")
    assert reply.ok, reply.text()
    said: dict[str, Any] = reply.json()
    return said


def on_screen(text: str, *, places: int) -> str:
    """A signed figure as the page must write it."""
    value = Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{abs(value):,f}"


def figure(page: Page, name: str) -> Locator:
    return page.locator("#overview dl > div").filter(has_text=name).locator("dd").first


def test_a_normal_load_is_silent_and_stays_at_home(page: Page, dashboard_url: str) -> None:
    """No complaint in the console, and no request to another host."""

    seen = Seen(page)
    opened(page, dashboard_url)
    page.reload()
    expect(rows(page).first).to_be_visible()
    page.wait_for_load_state("networkidle")

    assert seen.complaints == []
    assert {urlsplit(url).netloc for url in seen.requests} == {urlsplit(dashboard_url).netloc}


def test_the_token_leaves_the_address_and_no_script_reads_it(
    page: Page, dashboard_url: str
) -> None:
    """The token is handed over once; then a cookie speaks that scripts cannot read."""

    token = parse_qs(urlsplit(dashboard_url).query)["token"][0]
    opened(page, dashboard_url)
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    secret = [cookie for name, cookie in kept.items() if name != "fillbook_session"]

    assert "token" not in page.url
    assert token not in str(page.evaluate("document.cookie + JSON.stringify(localStorage)"))
    assert kept["fillbook_session"]["value"] == "1"
    assert secret
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in secret)


def test_without_a_token_a_form_asks_and_nothing_is_probed(page: Page, dashboard_url: str) -> None:
    """The form says where the token is found; a wrong one is refused, the right one opens."""

    token = parse_qs(urlsplit(dashboard_url).query)["token"][0]
    seen = Seen(page)
    page.goto(bare(dashboard_url))
    field = page.get_by_label("Access token")
    expect(field).to_be_visible()
    expect(page.get_by_text("fillbook demo")).to_be_visible()
    probes = [url for url in seen.requests if "/api/" in url]
    complaints = list(seen.complaints)
    field.fill("x" * len(token))
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    field.fill(token)
    field.press("Enter")
    expect(rows(page).first).to_be_visible()

    assert probes == []
    assert complaints == []


def test_the_first_trade_is_there_within_two_seconds(browser: Browser, dashboard_url: str) -> None:
    """On a cold profile; the best of a few, for a busy machine says nothing of the page."""
    took = []
    for _ in range(COLD_STARTS):
        with browser.new_context() as cold:
            fresh = cold.new_page()
            fresh.goto(dashboard_url, wait_until="commit")
            rows(fresh).first.wait_for(timeout=FIRST_ROW_MS_MAX * 5)
            took.append(fresh.evaluate("performance.now()"))

    assert min(took) <= FIRST_ROW_MS_MAX


def test_figures_are_those_of_the_book(page: Page, dashboard_url: str) -> None:
    """Each figure is the API's own text, rounded half-even on its digits."""

    opened(page, dashboard_url)
    said = answer(page, "reports/summary")
    expect(figure(page, "Net PnL")).to_have_text(on_screen(said["net_pnl"], places=2))
    expect(figure(page, "Trades")).to_have_text(f"{said['trades']:,}")
    expect(figure(page, "Fees paid")).to_have_text(
        on_screen(str(-Decimal(said["commission"])), places=2)
    )
    newest = answer(page, "trades?limit=1")["rows"][0]
    shown = rows(page).first.locator("td").nth(6)

    pnl = newest["net_pnl"]
    expect(shown).to_contain_text("not known" if pnl is None else on_screen(pnl, places=2))


def test_coverage_is_said_in_figures_and_words(page: Page, dashboard_url: str) -> None:
    """The percentage is the API's; a gap is worded, and its absence too."""

    opened(page, dashboard_url)
    said = answer(page, "coverage")
    card = page.locator("#coverage")
    percent = Decimal(said["percent"])
    whole = percent >= 100 and not said["gaps"]
    shown = percent.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    if percent < 100:
        shown = min(shown, Decimal("99.99"))
    expect(card).to_contain_text("Nothing is missing" if whole else "not proven")
    expect(card.locator("svg").first).to_be_visible()
    warning = page.locator(".warning").filter(has_text="Coverage is")

    assert warning.count() == (0 if whole else 1)
    assert card.locator(".percent").inner_text() == f"{shown} %"


def test_the_curve_is_called_what_it_is_and_answers_the_keyboard(
    page: Page, dashboard_url: str
) -> None:
    """Realised PnL, not equity; each day can be read without a mouse."""

    opened(page, dashboard_url)
    days = answer(page, "reports/equity")["rows"]
    chart = page.get_by_role("slider")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    expect(page.locator(".readout")).to_contain_text(on_screen(days[0]["cumulative"], places=2))
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuenow", str(len(days) - 1))
    expect(page.locator(".readout")).to_contain_text(on_screen(days[-1]["cumulative"], places=2))

    assert page.get_by_role("heading", name="Net PnL, realised").count() == 1
    assert page.get_by_text(re.compile(r"\bequity\b", re.IGNORECASE)).count() == 0


def test_days_drawn_across_the_curve_filter_the_trades(page: Page, dashboard_url: str) -> None:
    """A drag becomes a time window in the address; Esc takes it away."""

    opened(page, dashboard_url)
    box = page.locator(".above .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=8)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=.*to="))
    window = parse_qs(urlsplit(page.url).query)
    total = answer(page, f"trades?limit=1&from={window['from'][0]}&to={window['to'][0]}")["total"]
    expect(matches(page)).to_have_text(f"{total:,} matching")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Filters in force")).to_have_count(0)

    assert "from=" not in page.url


def test_each_day_of_the_calendar_is_reached_by_keyboard(page: Page, dashboard_url: str) -> None:
    """One day at a time takes the focus; Enter filters the trades to it, Enter again lets go."""

    opened(page, dashboard_url)
    days = answer(page, "reports/equity")["rows"]
    assert len(days) > 8, "the demo's data is too small for this test"
    in_turn = page.locator("#calendar rect[tabindex='0']")
    in_turn.focus()
    newest = in_turn.get_attribute("aria-label") or ""
    page.keyboard.press("ArrowLeft")
    week_before = page.locator("#calendar rect:focus").get_attribute("aria-label") or ""
    page.keyboard.press("Enter")
    expect(page.get_by_label("Filters in force")).to_contain_text(week_before.split(":")[0])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Filters in force")).to_have_count(0)

    assert newest.endswith(on_screen(days[-1]["net_pnl"], places=2))
    assert week_before.endswith(on_screen(days[-8]["net_pnl"], places=2))
    assert in_turn.count() == 1


def test_the_table_is_a_grid_for_the_keyboard(page: Page, dashboard_url: str) -> None:
    """Arrows, letters, pages and ends move one focused row; its place is told."""

    opened(page, dashboard_url)
    page.keyboard.press("j")
    places = [focused_row(page)]
    for key in ("ArrowDown", "j", "k", "ArrowUp", "PageDown", "PageUp", "End", "Home"):
        page.keyboard.press(key)
        page.wait_for_timeout(50)
        places.append(focused_row(page))
    loaded = rows(page).count()
    grid = page.get_by_role("grid")

    assert places == [2, 3, 4, 3, 2, min(12, loaded + 1), 2, loaded + 1, 2]
    assert grid.get_attribute("aria-rowcount") == str(answer(page, "trades?limit=1")["total"] + 1)
    assert grid.locator("th").first.get_attribute("aria-sort") == "descending"
    assert page.locator("#trades tbody tr[tabindex='0']").count() == 1


def focused_row(page: Page) -> int:
    return int(page.evaluate("document.activeElement.getAttribute('aria-rowindex')") or 0)


def test_enter_shows_every_digit_of_a_trade(page: Page, dashboard_url: str) -> None:
    """The table rounds; the dialog has the ledger's own text. Esc gives the focus back."""

    opened(page, dashboard_url)
    newest = answer(page, "trades?limit=1")["rows"][0]
    rows(page).first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    said = dialog.inner_text().replace(",", "").replace("−", "-")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    assert newest["entry_price"] in said
    assert newest["total_commission"].lstrip("-") in said
    assert focused_row(page) == 2


def test_filters_live_in_the_address(page: Page, dashboard_url: str) -> None:
    """A reason filters; the address says so; back, forward, reload and Esc are obeyed."""

    opened(page, dashboard_url)
    reason = answer(page, "reports/summary")["exit_reasons"][0]["exit_reason"]
    total = answer(page, f"trades?limit=1&exit_reason={reason}")["total"]
    status = matches(page)
    page.get_by_label("Exit reason", exact=True).select_option(reason)
    expect(status).to_have_text(f"{total:,} matching")
    assert f"exit_reason={reason}" in page.url
    page.go_back()
    expect(page.get_by_label("Filters in force")).to_have_count(0)
    page.go_forward()
    expect(status).to_have_text(f"{total:,} matching")
    page.reload()
    expect(status).to_have_text(f"{total:,} matching")
    page.keyboard.press("Escape")
    expect(status).not_to_contain_text("matching")

    assert "exit_reason" not in page.url


def test_slash_asks_for_a_symbol(page: Page, dashboard_url: str) -> None:
    """`/` focuses the field; a symbol that nobody traded says so and offers a way out."""

    opened(page, dashboard_url)
    symbol = answer(page, "trades?limit=1")["rows"][0]["symbol"]
    total = answer(page, f"trades?limit=1&symbol={symbol}")["total"]
    status = matches(page)
    page.keyboard.press("/")
    page.keyboard.type(symbol.lower())
    page.keyboard.press("Enter")
    expect(status).to_have_text(f"{total:,} matching")
    page.get_by_label("Symbol", exact=True).fill("NOBODYTRADEDTHIS")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No trades match these filters")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(rows(page).first).to_be_visible()


def test_more_trades_come_by_cursor_without_a_repetition(page: Page, dashboard_url: str) -> None:
    """The next page continues where the first ended."""

    opened(page, dashboard_url)
    total = answer(page, "trades?limit=1")["total"]
    assert total > PAGE_ROWS, "the demo's data is too small for this test"
    expect(rows(page)).to_have_count(PAGE_ROWS)
    page.get_by_role("button", name="Load more").click()
    expect(rows(page)).to_have_count(min(total, 2 * PAGE_ROWS))
    places = [row.get_attribute("aria-rowindex") for row in rows(page).all()]

    assert places == [str(place) for place in range(2, len(places) + 2)]


def test_a_server_that_went_away_is_said_above_the_figures(page: Page, dashboard_url: str) -> None:
    """What was read stays, with its time; Try again is offered and works."""

    opened(page, dashboard_url)
    expect(figure(page, "Net PnL")).not_to_have_text("")
    before = figure(page, "Net PnL").inner_text()
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="Read again").click()
    warning = page.locator(".warning").filter(has_text="could not be read")
    expect(warning).to_contain_text("cannot be reached")
    kept = figure(page, "Net PnL").inner_text()
    page.context.set_offline(offline=False)
    warning.get_by_role("button", name="Try again").click()
    expect(warning).to_have_count(0)

    assert kept == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_until_one_is_chosen(
    browser: Browser, dashboard_url: str, scheme: str
) -> None:
    """Light and dark from the same tokens; a choice outlives a reload."""

    other = {"light": "dark", "dark": "light"}[scheme]
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = opened(context.new_page(), dashboard_url)
    first = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    page.get_by_role("button", name=f"Switch to {other}").click()
    page.reload()
    second = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    context.close()

    assert (first, second) == (scheme, other)


def test_a_phone_shows_four_columns_and_nothing_beside_the_screen(
    browser: Browser, dashboard_url: str
) -> None:
    """Date, symbol, side and PnL; the page itself never scrolls sideways; tabs have words."""

    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True, is_mobile=True
    )
    page = opened(context.new_page(), dashboard_url)
    heads = page.locator("#trades th:visible").all_inner_texts()
    wide = page.evaluate("document.documentElement.scrollWidth")
    tabs = page.locator("nav.tabs a").all_inner_texts()
    context.close()

    assert [head.split()[0] for head in heads] == ["Closed", "Symbol", "Side", "Net"]
    assert wide <= PHONE[0]
    assert tabs == ["Overview", "Coverage", "Positions", "Trades"]
