# The image of Fillbook: built in one stage, run in another that holds neither compilers nor sources.
#
#   docker build -t fillbook .
#
# Everything that is installed is pinned by hash in requirements/. It runs as an ordinary user, and
# with a read-only root: what it writes lies under FILLBOOK_HOME, a volume, and in /tmp.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/core.txt requirements/demo.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/demo.txt \
    && python -m venv /opt/fillbook \
    && /opt/fillbook/bin/pip install --require-hashes -r requirements/core.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY web web
COPY src src
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/fillbook/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/fillbook/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/fillbook \
    FILLBOOK_HOME=/var/lib/fillbook
# The embedded PostgreSQL asks for the name of its user, so that a number alone would not do.
RUN useradd --uid 10001 --home-dir /var/lib/fillbook --shell /usr/sbin/nologin fillbook \
    && install -d -o fillbook -g fillbook -m 0700 /var/lib/fillbook
COPY --from=build /opt/fillbook /opt/fillbook
WORKDIR /app
COPY main.py ./
USER 10001:10001
VOLUME /var/lib/fillbook
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s --retries=3 \
    CMD ["python", "main.py", "health"]
CMD ["python", "main.py", "run"]
