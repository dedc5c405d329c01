"""Where nodes stand: callers left, lanes apart, the same for the same topology."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.placement import LANE_GAP, MAX_ROWS, ROW_HEIGHT, place

NODES = st.lists(st.sampled_from([f"{ns}/{name}" for ns in "ab" for name in "uvwxyz"] + ["external"]), unique=True)


def test_every_caller_stands_left_of_what_it_calls() -> None:
    edges = [("external", "s/front"), ("s/front", "s/orders"), ("s/orders", "s/pay"), ("s/front", "s/pay")]
    places = place(["s/front", "s/orders", "s/pay", "external"], edges).places

    assert all(places[source].x < places[target].x for source, target in edges)


def test_a_circle_of_calls_is_drawn_and_only_its_closing_edge_points_back() -> None:
    edges = [("s/a", "s/b"), ("s/b", "s/c"), ("s/c", "s/a")]
    places = place(["s/a", "s/b", "s/c"], edges).places

    assert sum(places[source].x > places[target].x for source, target in edges) == 1


def test_namespaces_stand_in_lanes_that_do_not_overlap() -> None:
    names = [f"{ns}/{n}" for ns in ("one", "two") for n in "abcd"]
    places = place(names, [("one/a", "two/a"), ("two/a", "one/b")]).places
    lowest = max(place.y for name, place in places.items() if name.startswith("one"))
    highest = min(place.y for name, place in places.items() if name.startswith("two"))

    assert highest - lowest > LANE_GAP


def test_a_large_fan_goes_on_in_further_columns_right_of_its_caller() -> None:
    fan = [f"s/{at}" for at in range(100)]
    places = place(["s/hub", "s/after", *fan], [*(("s/hub", name) for name in fan), ("s/0", "s/after")]).places
    rows = {places[name].y for name in fan}

    assert max(rows) - min(rows) <= MAX_ROWS * ROW_HEIGHT
    assert all(places["s/hub"].x < places[name].x < places["s/after"].x for name in fan)


def test_an_edge_over_several_layers_bends_around_the_nodes_between() -> None:
    edges = [("s/front", "s/recommend"), ("s/recommend", "s/orders"), ("s/front", "s/orders")]
    drawing = place(["s/front", "s/recommend", "s/orders"], edges)
    (bend,) = drawing.bends["s/front", "s/orders"]

    assert list(drawing.bends) == [("s/front", "s/orders")]
    assert bend.x == drawing.places["s/recommend"].x
    assert abs(bend.y - drawing.places["s/recommend"].y) >= ROW_HEIGHT


def test_an_edge_to_an_unknown_node_and_to_itself_are_ignored() -> None:
    assert set(place(["s/a"], [("s/a", "s/gone"), ("s/a", "s/a")]).places) == {"s/a"}


@given(nodes=NODES, pairs=st.lists(st.tuples(NODES, NODES), max_size=8), order=st.randoms())
def test_no_two_nodes_share_a_place_and_the_order_of_arrival_does_not_matter(
    nodes: list[str], pairs: list[tuple[list[str], list[str]]], order: object
) -> None:
    edges = [(a[0], b[0]) for a, b in pairs if a and b]
    places = place(nodes, edges).places
    shuffled = list(reversed(nodes))

    assert len(set(places.values())) == len(nodes)
    assert place(shuffled, list(reversed(edges))).places == places
