"""What the engine counted, on its way to OTLP and Prometheus."""
