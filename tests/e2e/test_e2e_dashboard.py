"""The demo in a real browser: its map fills with live rates, chaos turns a node failing and back, nothing leaves."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.support.process import Child

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SERVICES = ("storefront", "orders", "inventory", "payments", "shipping", "recommendations", "load")
FILLS = 10_000  # ms from the ready line
CHANGES = 150_000  # ms: the window of health is a minute


@pytest.fixture
def chaos_url(tmp_path: Path) -> Iterator[str]:
    """A running demo whose one payments instance fails now and then."""
    command = [sys.executable, "-m", "tulle", "demo", "--data", str(tmp_path / "demo"), "--port", "0", "--chaos"]
    demo = Child.start("demo", command, tmp_path)
    try:
        yield str(demo.ready()["url"])
    finally:
        assert demo.stop() == 0


@pytest.fixture
def page(chaos_url: str) -> Iterator[Page]:
    """Chromium on the demo's link; a request to any other host fails the test."""
    elsewhere: list[str] = []
    host = urlsplit(chaos_url).netloc
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        opened = browser.new_page(viewport={"width": 1440, "height": 900})
        opened.on("request", lambda request: elsewhere.append(request.url))
        opened.goto(chaos_url)
        yield opened
        browser.close()
    assert [url for url in elsewhere if urlsplit(url).netloc != host and not url.startswith(("data:", "blob:"))] == []


def mirror(page: Page, part: str, name: str) -> Locator:
    return page.locator(f'#mirror [data-part="{part}"] button', has_text=re.compile(f"^{re.escape(name)}:"))


@pytest.mark.real
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_the_demos_map_fills_with_live_rates_and_chaos_turns_payments_failing_and_back(page: Page) -> None:
    page.get_by_role("link", name="Topology").first.click()
    for name in SERVICES:
        expect(mirror(page, "Services", f"shop/{name}")).to_be_visible(timeout=FILLS)
    paid = mirror(page, "Calls", "shop/orders → shop/payments")
    expect(paid).to_contain_text(re.compile(r"[1-9][\d.]*/s"), timeout=FILLS)
    payments = mirror(page, "Services", "shop/payments")
    expect(payments).to_contain_text("failing", timeout=CHANGES)
    expect(payments).to_contain_text("healthy", timeout=CHANGES)
