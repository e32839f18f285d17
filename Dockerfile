# The server and the worker in one image: python -m videoflix COMMAND. It runs as an account without
# rights, writes to /var/lib/videoflix, /var/cache/videoflix and /tmp, and holds no compiler, no pip and no npm.

# What browsers get of npm: three files of it.
FROM node:22-bookworm-slim AS pages
WORKDIR /pages
COPY handlers/pages/package.json handlers/pages/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm AS libraries
WORKDIR /build
COPY requirements.txt ./
# Wheels only: nothing is built. Without pip in it, nothing can be installed later either.
RUN python -m venv --without-pip /opt/videoflix \
    && python -m pip --python /opt/videoflix/bin/python install --no-cache-dir --only-binary=:all: -r requirements.txt \
    && python -m compileall -q /opt/videoflix/lib

FROM python:3.11-slim-bookworm
RUN python -m pip uninstall -q -y pip setuptools wheel \
    && groupadd --gid 10001 videoflix \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/videoflix --no-create-home --shell /usr/sbin/nologin videoflix \
    && install -d -o videoflix -g videoflix -m 700 /var/lib/videoflix /var/cache/videoflix

WORKDIR /srv/videoflix
COPY --from=libraries /opt/videoflix /opt/videoflix
COPY --from=pages /pages/node_modules/hls.js/dist/hls.min.js /pages/node_modules/hls.js/dist/hls.worker.js handlers/pages/node_modules/hls.js/dist/
COPY --from=pages /pages/node_modules/tus-js-client/dist/tus.min.js handlers/pages/node_modules/tus-js-client/dist/
COPY config.toml LICENSE ./
COPY media_pipeline media_pipeline
COPY handlers handlers
COPY videoflix videoflix
RUN /opt/videoflix/bin/python -m compileall -q .

ENV PATH=/opt/videoflix/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VIDEOFLIX_STORAGE__ROOT=/var/lib/videoflix \
    VIDEOFLIX_CACHE__FOLDER=/var/cache/videoflix \
    VIDEOFLIX_SERVER__HOST=0.0.0.0
USER 10001:10001
VOLUME /var/lib/videoflix /var/cache/videoflix
EXPOSE 8000
# The parent lets requests end for up to 20 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "videoflix"]
CMD ["serve", "--processes", "auto"]
