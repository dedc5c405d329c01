"""No proxy at all: what the load generator and the backend cost by themselves."""

from bench.systems.base import PLACES, Running, Setting


class Direct:
    name = "direct"
    places = PLACES  # beside the pair too, in plaintext: added latency is over the direct call of the same round

    def start(self, setting: Setting) -> Running:
        return Running(setting.backend_port, ())
