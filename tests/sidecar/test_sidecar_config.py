"""A wrong setting is named by its flag and variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sidecar.address import HostPort
from sidecar.config import SETTINGS, SidecarConfig, UpstreamPort
from sidecar.errors import InvalidSettingError

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("service", {"service": "Pay ments"}, "'Pay ments' is not a name"),
    ("service", {"service": "shop/a/b"}, "is not a name"),
    ("service", {"service": "tulle/x"}, "reserved"),
    ("namespace", {"service": "x", "namespace": "tulle"}, "reserved"),
    ("namespace", {"service": "x", "namespace": "UP"}, "not a namespace"),
    ("application", {"application": "8080"}, "not host:port"),
    ("application", {"application": "127.0.0.1:0"}, "cannot be connected to"),
    ("application", {"application": "127.0.0.1:99999"}, "65535"),
    ("outbound", {"outbound": "0.0.0.0:7440"}, "loopback"),
    ("admin", {"admin": "10.0.0.1:7442"}, "loopback"),
    ("inbound", {"inbound": "nowhere"}, "not host:port"),
    ("advertise", {"application": "127.0.0.1:80", "inbound": "0.0.0.0:0"}, "is missing"),
    ("advertise", {"advertise": "my-host:80"}, "is a name"),
    ("upstream_ports", {"upstream_ports": (UpstreamPort("10.0.0.1:80", "a"),)}, "loopback"),
    ("upstream_ports", {"upstream_ports": (UpstreamPort("127.0.0.1:80", ""),)}, "no authority"),
    ("labels", {"labels": {"a b": "c"}}, "not a label"),
    ("labels", {"labels": {"a": "c" * 129}}, "at most 128 characters"),
    ("labels", {"labels": {f"a{number}": "" for number in range(33)}}, "are 33; give at most 32"),
    ("advertise", {"application": "127.0.0.1:80", "inbound": "localhost:0"}, "callers cannot dial localhost:0"),
    ("advertise", {"application": "127.0.0.1:80", "advertise": "fe80::1%eth0"}, "has a zone"),
    ("weight", {"weight": 0}, "from 1"),
    ("grace", {"grace": timedelta(seconds=121)}, "120 s"),
    ("workers", {"workers": -1}, "from 0"),
    ("control_plane", {"control_plane": "here"}, "not host:port"),
    ("token", {"token": "a", "token_file": Path("b")}, "--token-file"),
    ("instance", {"instance": "a b"}, "not an id"),
    ("instance", {"instance": "-x"}, "the first a letter or digit"),
    ("instance", {"instance": "x" * 129}, "not an id"),
]


@pytest.mark.parametrize(("key", "settings", "cause"), WRONG)
def test_a_wrong_setting_names_flag_variable_and_cause(key: str, settings: dict[str, Any], cause: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        SidecarConfig(**{"service": "shop/payments"} | settings)
    text = str(refused.value)
    assert text.startswith(f"{SETTINGS[key].flag} ({SETTINGS[key].variable}): ")
    assert cause in text
    assert "\n" not in text


def test_a_name_alone_is_in_its_namespace() -> None:
    assert SidecarConfig(service="payments").service_name == "default/payments"
    assert SidecarConfig(service="payments", namespace="shop").service_name == "shop/payments"
    assert SidecarConfig(service="shop/payments", namespace="other").service_name == "shop/payments"


def test_every_field_has_a_setting() -> None:
    assert set(SETTINGS) == set(SidecarConfig.__dataclass_fields__)


@pytest.mark.parametrize("text", ["127.0.0.1:7440", "[::1]:0", "localhost:65535"])
def test_an_address_reads_as_it_was_written(text: str) -> None:
    address = HostPort.parse(text)
    assert str(address) == text
    assert address.is_loopback


@pytest.mark.parametrize("text", ["::1:80", "a:", ":80", "a:-1", "a:٣", "[::g]:80"])
def test_no_address_is_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HostPort.parse(text)
