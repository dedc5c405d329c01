"""Everything that can be measured, by name."""

from bench.systems.base import System
from bench.systems.direct import Direct
from bench.systems.envoy import Envoy
from bench.systems.haproxy import HAProxy
from bench.systems.l4 import L4
from bench.systems.nginx import Nginx
from bench.systems.tulle import Tulle
from bench.systems.tulle_placed import TullePlaced

SYSTEMS: tuple[System, ...] = (
    Direct(),
    Tulle(),
    Envoy(),
    HAProxy(),
    Nginx(),
    L4(),
    Tulle("tulle-off", policy="off"),
    Tulle("tulle-split", policy="split", places=("plain",)),
    Tulle("tulle-all", policy="all"),
    Envoy(name="envoy-mlkem", curves=("X25519MLKEM768", "X25519")),
    TullePlaced("tulle-1-core", engines=((0,),)),
    TullePlaced("tulle-apart", engines=((0,), (1,))),
    TullePlaced("tulle-together", engines=((0, 1),)),
    TullePlaced("tulle-2-engines", engines=((0,), (1,)), crossed=True),
    TullePlaced("tulle-2-workers", engines=((0, 1),), crossed=True),
)
BY_NAME = {system.name: system for system in SYSTEMS}
