# syntax=docker/dockerfile:1

FROM python:3.13-slim AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY src src
RUN python -m venv /opt/t0 && /opt/t0/bin/pip install --no-cache-dir '.[embedded,aws,gcp,postgres,valkey]'

FROM python:3.13-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates wget && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /usr/sbin/nologin gateway && install --directory --owner gateway /app /app/.t0
COPY --from=builder /opt/t0 /opt/t0
# Charts and compose files written for TensorZero start the command `gateway`.
RUN printf '#!/bin/sh\nexec t0 gateway "$@"\n' > /usr/local/bin/gateway && chmod 755 /usr/local/bin/gateway
ENV PATH=/opt/t0/bin:$PATH PYTHONUNBUFFERED=1

USER gateway
WORKDIR /app
# Mount the configuration read-only at /app/config. The data directory holds what is not yet in the database, and the
# embedded store when no database is given: keep it on a volume.
VOLUME ["/app/.t0"]
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=1s --start-period=30s --retries=2 \
    CMD ["wget", "--quiet", "--spider", "--tries", "1", "http://localhost:3000/status"]
ENTRYPOINT ["t0", "gateway"]
CMD ["--config-file", "/app/config/tensorzero.toml"]
