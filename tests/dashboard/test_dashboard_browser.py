"""The dashboard in a real browser, live from a control plane double: maps, changes of health, loss and return."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from protos.tulle.v1.telemetry_pb2 import Topology
from tests.dashboard.dashboard_double import ControlPlaneDouble
from tests.dashboard.dashboard_harness import Running, config_for, serving
from tests.dashboard.dashboard_shop import Story, topology

pytestmark = pytest.mark.browser
_PATIENCE = 20_000


class Witness:
    """Remembers what a page must never do: call another host, or log an error."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.forgiven: tuple[str, ...] = ()
        self.found: list[str] = []

    def follow(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"page error: {error}"))

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.found.append(f"request to another host: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text}")

    def verdict(self) -> list[str]:
        return [line for line in self.found if not any(part in line for part in self.forgiven)]


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    made.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    yield made
    await made.close()


@pytest.fixture
async def witness(dashboard: Running) -> AsyncIterator[Witness]:
    made = Witness(dashboard.host)
    yield made
    assert made.verdict() == []


@pytest.fixture
async def page(context: BrowserContext, dashboard: Running, witness: Witness) -> Page:
    """A signed-in page, on the overview."""
    page = await context.new_page()
    witness.follow(page)
    await page.goto(dashboard.link)
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def mirror(page: Page, part: str, name: str) -> Locator:
    """The button of the ARIA mirror that begins with this name."""
    return page.locator(f'#mirror [data-part="{part}"] button', has_text=re.compile(f"^{re.escape(name)}:"))


async def drawn(page: Page, script: str) -> Any:
    """Something read from the graph itself."""
    return await page.evaluate(f"(() => {{ const cy = tulle.cy(); return {script}; }})()")


async def test_nodes_and_edges_appear_with_live_rates_and_a_new_service_joins(page: Page, dashboard: Running) -> None:
    await page.get_by_role("link", name="Topology").first.click()

    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("55/s")
    await expect(mirror(page, "Calls", "shop/orders → shop/payments")).to_contain_text("healthy, 55/s")
    assert await drawn(page, "cy.nodes('.service').length") == 7
    assert await drawn(page, "cy.edges().length") == 6
    assert "v1 90 % · v2 10 %" in str(await drawn(page, "cy.getElementById('shop/orders>shop/payments').data('label')"))
    left, right = await drawn(page, "['external','shop/payments'].map((id) => cy.getElementById(id).position('x'))")
    assert left < right

    dashboard.control_plane.tell = lambda now: topology(Story(now, extra=("loyalty",)))
    await expect(mirror(page, "Services", "shop/loyalty")).to_contain_text("3/s")
    assert await drawn(page, "cy.getElementById('shop/loyalty').length") == 1

    dashboard.control_plane.tell = lambda now: topology(Story(now))
    await expect(mirror(page, "Services", "shop/loyalty")).to_have_count(0)
    assert await drawn(page, "cy.getElementById('shop/loyalty').length") == 0


async def test_a_failing_service_is_shown_with_its_reason_and_its_ejected_endpoint_and_recovers(
    page: Page, dashboard: Running
) -> None:
    await page.goto(f"{dashboard.base}/topology?pick=shop/payments")
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("healthy")

    out = frozenset({"payments-2"})
    dashboard.control_plane.tell = lambda now: topology(Story(now, faults={"shop/payments": 0.2}, ejected=out))
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("failing")
    await expect(mirror(page, "Calls", "shop/orders → shop/payments")).to_contain_text("breaker open")
    assert await drawn(page, "cy.getElementById('shop/orders>shop/payments').data('health')") == "failing"
    detail = page.locator("#detail")
    await expect(detail.get_by_role("row", name=re.compile("payments-2"))).to_contain_text("open")
    await page.get_by_role("button", name="why?").click()
    await expect(page.locator("#detail-why")).to_contain_text("faults 20 % ≥ 10 % (660 of 3300 calls)")
    await expect(page.locator("#detail-why")).to_contain_text("1 of 2 endpoints ejected")

    dashboard.control_plane.tell = lambda now: topology(Story(now))
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("healthy")
    await page.goto(dashboard.base)
    await expect(page.locator("#events")).to_contain_text("healthy → failing: faults 20 %")
    await expect(page.locator("#events")).to_contain_text("failing → healthy")


async def test_the_overview_puts_the_worst_first_and_leads_to_the_service(page: Page, dashboard: Running) -> None:
    dashboard.control_plane.tell = lambda now: topology(Story(now, faults={"shop/shipping": 0.3}))
    rows = page.locator("#services-grid .ag-center-cols-container [role=row]")

    await expect(page.locator('#services-grid [row-index="0"]').first).to_contain_text("shop/shipping")
    await page.get_by_label("Filter").fill("pay")
    await expect(rows).to_have_count(1)
    assert page.url.endswith("/?q=pay")
    await page.get_by_role("link", name="shop/payments").first.click()

    await expect(page.get_by_role("heading", name="shop/payments")).to_be_visible()
    assert page.url == f"{dashboard.base}/service/shop/payments"
    await expect(page.locator("#service-methods")).to_contain_text("shop.v1.Shop/Get")
    await expect(page.locator("#service-callers")).to_contain_text("shop/orders")
    await expect(page.locator("#service-endpoints")).to_contain_text("payments-1")
    await expect(page.locator("#service-versions")).to_contain_text("90 %")
    await expect(page.locator("#chart-rate .scatterlayer .trace")).to_have_count(3)
    await expect(page.locator("#chart-heat .heatmaplayer image")).to_have_count(1)


async def test_every_chart_has_a_table_twin_and_the_url_says_so(page: Page, dashboard: Running) -> None:
    await page.goto(f"{dashboard.base}/service/shop/orders?range=15m&view=tables")

    await expect(page.locator("#grid-rate .ag-root")).to_have_attribute("aria-rowcount", "181")
    await expect(page.locator("#grid-latency [row-index='0']")).to_contain_text("7.4")
    await expect(page.locator("#table-heat")).to_contain_text("≤ 2 ms")
    await expect(page.locator("#graph-rate")).to_be_hidden()
    await page.get_by_text("Charts", exact=True).click()
    await expect(page.locator("#graph-rate")).to_be_visible()
    await expect(page).to_have_url(f"{dashboard.base}/service/shop/orders?range=15m")


async def test_find_and_hide_speak_their_language_and_live_in_the_url(page: Page, dashboard: Running) -> None:
    await page.goto(f"{dashboard.base}/topology?find=name%20contains%20pay&hide=rate%20%3C%2030")
    await expect(mirror(page, "Services", "shop/payments")).to_be_attached()

    assert await drawn(page, "cy.nodes('.found').map((node) => node.id())") == ["shop/payments"]
    assert await drawn(page, "cy.getElementById('shop/recommendations').visible()") is False
    await page.locator("#find").fill("latency ~ 3")
    await expect(page.locator("#query-note")).to_contain_text("cannot read “latency ~ 3”: try rt > 500")
    await page.locator("#find").fill("rt > 500 or %error > 0.1 and mtls")
    await expect(page.locator("#query-note")).to_be_empty()
    await expect(page).to_have_url(re.compile(r"find=rt\+%3E\+500"))
    assert await drawn(page, "cy.nodes('.found').length") == 0
    assert await drawn(page, "cy.edges('.found').length") == 5


async def test_the_map_is_walked_and_the_pages_reached_by_keyboard_alone(page: Page, dashboard: Running) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("t")
    await expect(mirror(page, "Services", "shop/orders")).to_be_attached()
    await page.locator("#map-canvas").focus()
    for key, reached in (
        ("ArrowRight", "external"),
        ("ArrowRight", "shop/storefront"),
        ("ArrowRight", "shop/orders"),
        ("ArrowDown", "shop/recommendations"),
        ("ArrowLeft", "shop/storefront"),
    ):
        await page.keyboard.press(key)
        assert await page.evaluate("tulle.picked()") == reached
    await expect(page.locator("#detail")).to_contain_text("shop/storefront")
    assert "pick=shop%2Fstorefront" in page.url
    await page.keyboard.press("Escape")
    await expect(page.locator("#detail")).to_be_hidden()

    await page.keyboard.press("/")
    await page.keyboard.type("invent")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="shop/inventory")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


async def test_pause_holds_the_picture_and_resume_brings_the_newest(page: Page, dashboard: Running) -> None:
    await page.goto(f"{dashboard.base}/topology")
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("55/s")
    await page.keyboard.press("l")
    await expect(page.locator("#link")).to_have_text("paused")
    views = await page.evaluate("tulle.mesh.at")
    dashboard.control_plane.tell = lambda now: topology(Story(now, extra=("loyalty",)))
    await dashboard.control_plane.told_more(8)

    assert await page.evaluate("tulle.mesh.at") - views < 500
    await expect(mirror(page, "Services", "shop/loyalty")).to_have_count(0)
    await page.get_by_role("button", name="Resume").click()
    await expect(mirror(page, "Services", "shop/loyalty")).to_have_count(1)


async def test_copy_link_copies_exactly_this_page(page: Page, dashboard: Running) -> None:
    await page.goto(f"{dashboard.base}/topology?labels=p99&pick=shop/orders")
    await expect(page.locator("#detail")).to_contain_text("shop/orders")
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()

    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert "labels=p99" in copied
    await page.goto(copied)
    await expect(page.locator("#detail")).to_contain_text("shop/orders")


async def test_the_map_is_saved_as_a_picture(page: Page, dashboard: Running, tmp_path: Path) -> None:
    await page.goto(f"{dashboard.base}/topology")
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("55/s")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="PNG").click()
    target = tmp_path / "map.png"
    await (await saved.value).save_as(target)

    assert target.read_bytes().startswith(b"\x89PNG")
    assert target.stat().st_size > 10_000


async def test_a_lost_control_plane_is_said_clearly_and_its_return_too(page: Page, dashboard: Running) -> None:
    await page.goto(f"{dashboard.base}/topology")
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("55/s")
    await dashboard.control_plane.stop()

    await expect(page.get_by_role("alert")).to_contain_text("Connection to the control plane lost at")
    await expect(mirror(page, "Services", "shop/payments")).to_contain_text("55/s")
    await dashboard.control_plane.start()
    await expect(page.locator("#banner")).to_be_hidden()
    await expect(page.locator("#link")).to_have_text("live")


async def test_a_dashboard_that_restarts_keeps_sessions_and_the_tab_goes_on(
    control_plane: ControlPlaneDouble, context: BrowserContext, tmp_path: Path
) -> None:
    config = config_for(control_plane, tmp_path)
    page = await context.new_page()
    async with serving(config, control_plane) as first:
        await page.goto(first.link)
        await expect(page.locator("#services-grid")).to_contain_text("shop/payments")
    await expect(page.get_by_role("alert")).to_contain_text("Connection to the dashboard lost at")
    control_plane.tell = lambda now: topology(Story(now, extra=("loyalty",)))
    async with serving(replace(config, port=first.port), control_plane) as second:
        assert second.token == first.token
        await expect(page.locator("#services-grid")).to_contain_text("shop/loyalty")
        await expect(page.locator("#banner")).to_be_hidden()
        await page.close()


async def test_an_empty_mesh_tells_the_one_command_to_run(page: Page, dashboard: Running) -> None:
    dashboard.control_plane.tell = lambda now: Topology(time_unix_ms=now, window_ms=60_000)

    for path in ("/", "/topology", "/service"):
        await page.goto(dashboard.base + path)
        await expect(page.get_by_text("tulle run --service")).to_be_visible()
    await page.goto(f"{dashboard.base}/service/shop/gone")
    await expect(page.get_by_text("tulle run --service")).to_be_visible()
