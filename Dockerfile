# One image for every process of the mesh and of the demo shop: `tulle …` and `python -m demo.…`.

FROM rust:1-slim-bookworm AS engine
# cmake, clang: aws-lc-rs builds its C library from source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv python3-dev build-essential cmake clang pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir "maturin>=1.9,<2"
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY engine ./engine
COPY protos ./protos
COPY sidecar ./sidecar
COPY control_plane ./control_plane
COPY dashboard ./dashboard
COPY tulle ./tulle
COPY demo ./demo
RUN --mount=type=cache,target=/src/engine/target --mount=type=cache,target=/usr/local/cargo/registry \
    /opt/build/bin/maturin build --release --out /wheels

FROM python:3.11-slim-bookworm
COPY --from=engine /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -rf /wheels
# The demo's policies are read from here; their protos lie beside them.
COPY demo /srv/demo
RUN useradd --system --uid 7440 --home-dir /var/lib/tulle tulle \
    && install --directory --owner tulle --group tulle --mode 0700 /var/lib/tulle /tokens /data
USER tulle
WORKDIR /var/lib/tulle
ENTRYPOINT ["tulle"]
CMD ["--help"]
