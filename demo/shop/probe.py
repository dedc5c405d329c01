"""`python -m demo.shop.probe PORT`: ends with 0 where the service on that loopback port says SERVING, else with 1."""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

CALL_SECONDS = 2.0


def serving(port: int) -> bool:
    """Ask grpc.health.v1, straight, whatever proxy the environment names."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(0 if serving(int(sys.argv[1])) else 1)
