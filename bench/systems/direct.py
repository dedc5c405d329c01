"""No proxy at all: what the load generator and the backend cost by themselves."""

from bench.systems.base import Place, Running, Setting


class Direct:
    name = "direct"
    places: tuple[Place, ...] = ("plain",)

    def start(self, setting: Setting) -> Running:
        return Running(setting.backend_port, ())
