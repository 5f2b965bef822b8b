# One image for every process. Not Alpine: confluent-kafka has no wheels for musl.
FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.13.5-slim-bookworm AS packages
COPY --from=uv /uv /usr/local/bin/uv
WORKDIR /app
COPY pyproject.toml uv.lock ./
# What is optional: EXTRAS="--extra search" docker compose build
ARG EXTRAS=""
RUN uv sync --locked $EXTRAS --no-default-groups --no-cache --compile-bytecode --python /usr/local/bin/python

FROM python:3.13.5-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app doorstep && install -d -o doorstep /data
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY manage.py ./
COPY services services
COPY access access
COPY admin_pages admin_pages
COPY watching watching
COPY outbox outbox
COPY inbox inbox
COPY idempotency idempotency
COPY bookmarks bookmarks
COPY money money
COPY contracts contracts
COPY payments payments
COPY reconciliation reconciliation
COPY billing billing
COPY search search
COPY gateway gateway
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER doorstep
CMD ["python", "manage.py", "help"]
