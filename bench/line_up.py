"""Everything that can be measured, by name."""

from bench.systems.base import System
from bench.systems.direct import Direct
from bench.systems.envoy import Envoy
from bench.systems.haproxy import HAProxy
from bench.systems.l4 import L4
from bench.systems.nginx import Nginx
from bench.systems.tulle import Tulle

SYSTEMS: tuple[System, ...] = (
    Direct(),
    Tulle(),
    Envoy(),
    HAProxy(),
    Nginx(),
    L4(),
    Tulle("tulle-off", policy="off"),
    Tulle("tulle-all", policy="all"),
    Envoy(name="envoy-mlkem", curves=("X25519MLKEM768", "X25519")),
    Tulle("tulle-1-worker", workers=1),
    Tulle("tulle-2-workers", workers=2),
)
BY_NAME = {system.name: system for system in SYSTEMS}
