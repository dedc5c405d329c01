"""The gate over real HTTP and websockets: what gets in, and everything that must not."""

import json
from urllib.parse import urlencode

import pytest
import websockets
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.dashboard.dashboard_harness import Running
from tests.dashboard.dashboard_http import Answer, ask

_PAGE = {"Accept": "text/html"}
_UPDATE = "/_dash-update-component"
_SOCKET = "/_dash-ws-callback"


async def sign_in(running: Running) -> dict[str, str]:
    """The cookies of a fresh session."""
    answer = await ask(running.host, "GET", f"/?token={running.token}", _PAGE)
    assert answer.status == 200
    return answer.cookies


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def csrf_of(cookies: dict[str, str]) -> str:
    return next(value for name, value in cookies.items() if name.startswith("tulle_csrf"))


async def call_back(running: Running, cookies: dict[str, str], headers: dict[str, str]) -> Answer:
    """The router's callback, as the renderer posts it."""
    nav = [{"id": f"nav-{name}", "property": "active"} for name in ("overview", "topology", "service")]
    outputs = [{"id": "page", "property": "children"}, *nav]
    body = {
        "output": "..page.children...nav-overview.active...nav-topology.active...nav-service.active..",
        "outputs": outputs,
        "inputs": [{"id": "url", "property": "pathname", "value": "/topology"}],
        "state": [{"id": "url", "property": "search", "value": ""}],
        "changedPropIds": ["url.pathname"],
    }
    sent = {"Content-Type": "application/json", **cookie_header(cookies), **headers}
    return await ask(running.host, "POST", _UPDATE, sent, json.dumps(body))


async def test_the_printed_link_signs_in_and_hides_the_token(dashboard: Running) -> None:
    answer = await ask(dashboard.host, "GET", f"/topology?find=x&token={dashboard.token}", _PAGE)

    assert answer.status == 200
    assert 'content="0;url=/topology?find=x"' in answer.text
    assert dashboard.token not in answer.text
    session, csrf = sorted(answer.cookie_lines, key=lambda line: "csrf" in line)
    assert "HttpOnly" in session
    assert "SameSite=Strict" in session
    assert "SameSite=Strict" in csrf
    page = await ask(dashboard.host, "GET", "/topology", _PAGE | cookie_header(answer.cookies))
    assert page.status == 200
    assert "_dash-config" in page.text


async def test_a_wrong_token_is_refused_and_sets_no_cookie(dashboard: Running) -> None:
    answer = await ask(dashboard.host, "GET", "/?token=" + "0" * 64, _PAGE)

    assert answer.status == 403
    assert "This token is wrong" in answer.text
    assert not answer.cookies


@pytest.mark.parametrize(
    "path", ["/", "/topology", "/service/shop/orders", "/assets/topology.js", "/_dash-layout", "/_dash-dependencies"]
)
async def test_nothing_is_served_without_a_session(dashboard: Running, path: str) -> None:
    page, other = await ask(dashboard.host, "GET", path, _PAGE), await ask(dashboard.host, "GET", path)

    assert page.status == other.status == 401
    assert "Token" in page.text
    assert other.text == "sign in first\n"


async def test_a_forged_or_expired_session_is_none(dashboard: Running) -> None:
    cookies = await sign_in(dashboard)
    name = next(name for name in cookies if name.startswith("tulle_session"))
    expiry, nonce, signature = cookies[name].split(".")

    for forged in (f"{int(expiry) + 1}.{nonce}.{signature}", f"{expiry}.{nonce}.{'0' * 64}", "", "x"):
        answer = await ask(dashboard.host, "GET", "/_dash-layout", {"Cookie": f"{name}={forged}"})
        assert answer.status == 401


async def test_a_callback_needs_origin_and_csrf_of_its_own_session(dashboard: Running) -> None:
    cookies, others = await sign_in(dashboard), await sign_in(dashboard)
    own, csrf = {"Origin": dashboard.base}, {"X-CSRFToken": csrf_of(cookies)}

    assert (await call_back(dashboard, cookies, own | csrf)).status == 200
    assert (await call_back(dashboard, cookies, own)).status == 403
    assert (await call_back(dashboard, cookies, csrf)).status == 403
    assert (await call_back(dashboard, cookies, csrf | {"Origin": "http://evil.example"})).status == 403
    assert (await call_back(dashboard, cookies, own | {"X-CSRFToken": csrf_of(others)})).status == 403
    assert (await call_back(dashboard, {}, own | csrf)).status == 401


async def test_a_websocket_needs_cookie_and_own_origin(dashboard: Running) -> None:
    cookies = cookie_header(await sign_in(dashboard))
    address = f"ws://{dashboard.host}{_SOCKET}"

    async with websockets.connect(address, origin=Origin(dashboard.base), additional_headers=cookies) as socket:
        await socket.send(json.dumps({"type": "heartbeat"}))
        assert json.loads(await socket.recv()) == {"type": "heartbeat_ack"}
    foreign = Origin("http://evil.example")
    for origin, headers in ((Origin(dashboard.base), {}), (foreign, cookies), (None, cookies)):
        with pytest.raises(InvalidStatus) as refused:
            async with websockets.connect(address, origin=origin, additional_headers=headers):
                raise AssertionError("the socket must not open")
        assert refused.value.response.status_code == 403


async def test_the_form_signs_in_from_its_own_page_only(dashboard: Running) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"token": dashboard.token, "next": "//evil.example/"})

    own = await ask(dashboard.host, "POST", "/sign-in", form | {"Origin": dashboard.base}, body)
    foreign = await ask(dashboard.host, "POST", "/sign-in", form | {"Origin": "http://evil.example"}, body)
    huge = await ask(dashboard.host, "POST", "/sign-in", form | {"Origin": dashboard.base}, "x" * 10_000)

    assert own.status == 200
    assert own.cookies
    assert "evil" not in own.text
    assert (foreign.status, foreign.cookies) == (403, {})
    assert huge.status == 413


async def test_a_rebound_host_name_is_not_served(dashboard: Running) -> None:
    cookies = await sign_in(dashboard)

    answer = await ask(dashboard.host, "GET", "/", cookie_header(cookies) | {"Host": "evil.example"})

    assert answer.status == 421


async def test_a_link_on_another_site_bounces_once_so_that_the_strict_cookie_comes_along(dashboard: Running) -> None:
    answer = await ask(dashboard.host, "GET", "/topology", _PAGE | {"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 200
    assert 'url=/topology"' in answer.text
    assert not answer.cookies


async def test_every_answer_carries_the_policy_and_pages_no_unknown_inline_script(dashboard: Running) -> None:
    cookies = cookie_header(await sign_in(dashboard))

    for path in ("/", "/assets/topology.js", "/nonsense", "/healthz"):
        policy = (await ask(dashboard.host, "GET", path, _PAGE | cookies)).headers["content-security-policy"]
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "'sha256-" in scripts
        assert "unsafe" not in scripts
        assert "frame-ancestors 'none'" in policy


async def test_health_is_open_and_tells_of_the_control_plane(dashboard: Running) -> None:
    assert (await ask(dashboard.host, "GET", "/healthz")).status == 200
    assert (await ask(dashboard.host, "GET", "/readyz")).status in (200, 503)
    metrics = await ask(dashboard.host, "GET", "/metrics")
    assert metrics.status == 200
    assert "tulle_dashboard_link_up" in metrics.text


async def test_there_is_no_interactive_api_documentation(dashboard: Running) -> None:
    cookies = cookie_header(await sign_in(dashboard))

    for path in ("/docs", "/redoc", "/openapi.json", "/_mcp"):
        assert "swagger" not in (await ask(dashboard.host, "GET", path, cookies)).text.lower()
