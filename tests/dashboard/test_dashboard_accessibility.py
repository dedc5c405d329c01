"""No serious finding of axe on any page, in both colour schemes."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.dashboard.dashboard_harness import Running
from tests.dashboard.dashboard_shop import Story, topology

pytestmark = pytest.mark.browser
_PAGES = (
    ("/", "#services-grid [row-index='0']"),
    ("/topology?pick=shop/orders>shop/payments", "#detail h2"),
    ("/service/shop/payments", "#service-methods tbody"),
    ("/service/shop/payments?view=tables", "#grid-rate [row-index='0']"),
    ("/service", "#service-list tbody"),
    ("/nonsense", ".empty"),
)


async def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, each with the place it was found."""
    results: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{finding['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for finding in results["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_serious_finding(browser: Browser, dashboard: Running, scheme: Any) -> None:
    out = frozenset({"payments-2"})
    dashboard.control_plane.tell = lambda now: topology(
        Story(now, faults={"shop/payments": 0.2, "shop/shipping": 0.03}, ejected=out, refused=frozenset({"orders-1"}))
    )
    context = await browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(dashboard.base)
    found = {"sign in": await serious(page)}
    await page.goto(dashboard.link)
    # The page that a link opens goes on to the overview by itself, across what is opened before it has.
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=20_000)
    for path, ready in _PAGES:
        await page.goto(dashboard.base + path)
        await expect(page.locator(ready).first).to_be_visible(timeout=20_000)
        await expect(page.locator("#link")).to_have_text("live", timeout=20_000)
        found[path] = await serious(page)
    await page.keyboard.press("/")
    found["palette"] = await serious(page)
    await context.close()

    assert {path: findings for path, findings in found.items() if findings} == {}
