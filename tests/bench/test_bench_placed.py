"""Load from several cores is steered: whom it is for, and which connections come first."""

import socket

from bench import sockets
from bench.systems import tulle_snapshot

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0100007F:1F90 0100007F:C351 08 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 0100007F:1F90 0100007F:C352 01 00000000:00000000 00:00000000 00000000     0        0 5 1
"""


def test_connections_are_counted_by_their_local_port_while_they_stand() -> None:
    assert sockets.established(TABLE, 8080) == 2
    assert sockets.established(TABLE, 80) == 0


def test_a_connection_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            sockets.wait_until_connected(port, 1)
            assert sockets.established(sockets.TABLE.read_text(), port) == 1


def test_each_named_backend_is_a_service_of_its_own() -> None:
    snapshot = tulle_snapshot.outbound({"echo-0": [1000], "echo-1": [2000]}, "default")
    assert [list(service.authorities) for service in snapshot.services] == [["echo-0.bench"], ["echo-1.bench"]]
    ports = {cluster.name: [endpoint.port for endpoint in cluster.endpoints] for cluster in snapshot.clusters}
    assert ports == {"bench/echo-0": [1000], "bench/echo-1": [2000]}
    for service in snapshot.services:
        assert [backend.cluster for route in service.routes for backend in route.backends] == [service.name]


def test_the_split_is_off_in_all_but_the_second_connection() -> None:
    off, split = (tulle_snapshot.outbound({"echo": [1000]}, policy) for policy in ("off", "split"))
    assert [cluster.name for cluster in split.clusters] == ["bench/echo", "bench/echo#next"]
    whole = tulle_snapshot.outbound({"echo": [1000]}, "all").services[0]
    (parts,) = {
        tuple((b.cluster, b.weight) for b in route.backends) for route in whole.routes if len(route.backends) > 1
    }
    assert tuple((b.cluster, b.weight) for b in split.services[0].routes[0].backends) == parts
    del split.clusters[1:]
    split.services[0].routes[0].backends.pop()
    split.services[0].routes[0].backends[0].weight = 1
    assert split == off
