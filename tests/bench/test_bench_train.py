"""What the engine is profiled under: load that the named systems carry, and every place."""

from bench import train
from bench.line_up import BY_NAME
from bench.systems.base import EVERYWHERE


def test_each_system_of_the_training_stands_in_its_place() -> None:
    for block in train.TRAINING:
        for name in block.systems:
            assert block.place in BY_NAME[name].places, (name, block.place)


def test_every_place_is_trained() -> None:
    assert {block.place for block in train.TRAINING} == set(EVERYWHERE)
