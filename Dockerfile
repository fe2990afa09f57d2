# The bot in a container: docker compose up -d, or see docs/operation.md.
# Only packages whose hashes are in requirements.lock are installed.
FROM python:3.13-slim AS packages
COPY requirements.lock /tmp/
RUN python -m venv /opt/keepsake \
    && /opt/keepsake/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r /tmp/requirements.lock

FROM python:3.13-slim
COPY --from=packages /opt/keepsake /opt/keepsake
COPY bot /opt/keepsake/app/bot
COPY sandbox /opt/keepsake/app/sandbox
COPY storage /opt/keepsake/app/storage
COPY --chmod=755 deploy/keepsake.sh /usr/local/bin/keepsake
RUN /opt/keepsake/bin/python -m compileall -q /opt/keepsake/app \
    && useradd --system --uid 10001 --no-create-home --home-dir /data keepsake \
    && install -d -o keepsake -g keepsake -m 700 /data

# /data is the only folder the bot writes to, besides /tmp. On PORT it serves /healthz, /readyz and /metrics,
# and the webhook if WEBHOOK_URL is set.
ENV DATABASE_URL=sqlite:////data/keepsake.db \
    HOST=0.0.0.0 \
    PORT=8080 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1
VOLUME /data
WORKDIR /data
USER keepsake
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["/opt/keepsake/bin/python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=5)"]
ENTRYPOINT ["keepsake"]
CMD ["run"]
